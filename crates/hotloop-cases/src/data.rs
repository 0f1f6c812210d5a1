//! `Data`: values as bits with a type and a shape, the currency of the suite.
//!
//! Owns reading values from a case's text, making them up from a formula, and turning them into arguments. Comparing
//! belongs to `compare`.

use crate::scan::Scan;
use hotloop::{Arg, Array, Element, MAX_RANK, Scalar, Type, Value, View, ViewMut};

/// Elements of one type in C order. A scalar has no extents and one element.
#[derive(Clone, Debug, PartialEq)]
pub struct Data {
    /// The element type.
    pub ty: Type,
    /// The extents.
    pub shape: Vec<usize>,
    /// The bits of each element, zero-extended; of a complex number the imaginary part's are the upper 64.
    pub bits: Vec<u128>,
}

/// A window on the elements of an array: where it begins, its extents, and its strides in elements.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// The position of the element at all-zero indices.
    pub offset: usize,
    /// The extents.
    pub shape: Vec<usize>,
    /// The strides.
    pub strides: Vec<isize>,
}

impl Data {
    /// One element.
    pub fn scalar(scalar: Scalar) -> Data {
        Data { ty: scalar.ty, shape: Vec::new(), bits: vec![bits_of(scalar)] }
    }

    /// What a call gave back.
    pub fn of_value(value: &Value) -> Data {
        match value {
            Value::Scalar(scalar) => Data::scalar(*scalar),
            Value::Array(array) => Data::of_array(array),
            // Cases pass arrays of the host, so none comes back on a device.
            Value::Device(array) => Data { ty: array.ty(), shape: array.shape().to_vec(), bits: Vec::new() },
        }
    }

    /// The elements of an array.
    pub fn of_array(array: &Array) -> Data {
        let element = |bytes| bits_of(Scalar::from_bytes(array.ty(), bytes));
        let bits = array.bytes().chunks_exact(array.ty().bytes()).map(element);
        Data { ty: array.ty(), shape: array.shape().to_vec(), bits: bits.collect() }
    }

    /// Element `at`, in C order.
    pub fn get(&self, at: usize) -> Scalar {
        scalar_of(self.ty, self.bits[at])
    }

    /// The first axis repeated until it is `len` long; empty for 0.
    pub fn stretched(&self, len: usize) -> Data {
        let row: usize = self.shape[1..].iter().product();
        let whole = self.shape[0] * row;
        let bits = (0..len * row).map(|at| self.bits[at % whole.max(1)]).collect();
        let mut shape = self.shape.clone();
        shape[0] = len;
        Data { ty: self.ty, shape, bits }
    }

    /// The elements as memory that arguments can borrow.
    pub fn memory(&self) -> Memory {
        macro_rules! memory {
            ($($variant:ident),*) => {
                match self.ty { $(Type::$variant => Memory::$variant(typed(&self.bits)),)* }
            };
        }
        memory!(Bool, I8, I16, I32, I64, U8, U16, U32, U64, F32, F64, F16, BF16, C64, C128)
    }
}

/// The bits of a scalar as `Data` holds them.
pub fn bits_of(scalar: Scalar) -> u128 {
    u128::from(scalar.bits) | u128::from(scalar.imag) << 64
}

/// The scalar with these bits.
pub fn scalar_of(ty: Type, bits: u128) -> Scalar {
    if ty.is_complex() { Scalar::complex(ty, bits as u64, (bits >> 64) as u64) } else { Scalar::new(ty, bits as u64) }
}

fn typed<T: Element>(bits: &[u128]) -> Vec<T> {
    let element = |bits: &u128| T::from_scalar(scalar_of(T::TYPE, *bits));
    bits.iter().filter_map(element).collect()
}

macro_rules! memories {
    ($($variant:ident $rust:ty),*) => {
        /// Elements in memory of their own type.
        pub enum Memory {
            $(
                #[doc = concat!("`", stringify!($rust), "`")]
                $variant(Vec<$rust>),
            )*
        }

        impl Memory {
            /// An argument over this memory, through a window if there is one.
            pub fn arg(&self, shape: &[usize], window: Option<&Window>) -> Result<Arg<'_>, String> {
                match self { $(Memory::$variant(vec) => view(vec, shape, window),)* }
            }

            /// The same, to be written.
            pub fn arg_mut(&mut self, shape: &[usize], window: Option<&Window>) -> Result<Arg<'_>, String> {
                match self { $(Memory::$variant(vec) => view_mut(vec, shape, window),)* }
            }

            /// The elements of the whole memory, whatever windows there were.
            pub fn data(&self, shape: &[usize]) -> Data {
                match self {
                    $(Memory::$variant(vec) => Data {
                        ty: Type::$variant,
                        shape: shape.to_vec(),
                        bits: vec.iter().map(|value| bits_of(value.to_scalar())).collect(),
                    },)*
                }
            }
        }
    };
}

memories!(Bool bool, I8 i8, I16 i16, I32 i32, I64 i64, U8 u8, U16 u16, U32 u32, U64 u64, F32 f32, F64 f64,
    F16 hotloop::f16, BF16 hotloop::bf16, C64 hotloop::Complex<f32>, C128 hotloop::Complex<f64>);

fn view<'a, T: Element>(vec: &'a [T], shape: &[usize], window: Option<&Window>) -> Result<Arg<'a>, String> {
    let view = match window {
        Some(window) => View::strided(vec, window.offset, &window.shape, &window.strides),
        None => View::with_shape(vec, shape),
    };
    view.map(Arg::View).map_err(|error| error.to_string())
}

fn view_mut<'a, T: Element>(vec: &'a mut [T], shape: &[usize], window: Option<&Window>) -> Result<Arg<'a>, String> {
    let view = match window {
        Some(window) => ViewMut::strided(vec, window.offset, &window.shape, &window.strides),
        None => ViewMut::with_shape(vec, shape),
    };
    view.map(Arg::ViewMut).map_err(|error| error.to_string())
}

/// Reads a value: a number, a nested list, or a formula such as `ramp(3x4)`.
pub fn read(scan: &mut Scan<'_>, ty: Type) -> Result<Data, String> {
    if scan.at('[') {
        let mut bits = Vec::new();
        let shape = list(scan, ty, &mut bits, MAX_RANK)?;
        return Ok(Data { ty, shape, bits });
    }
    match scan.formula() {
        Some(name) => formula(scan, ty, &name),
        None => number(&scan.word(), ty).map(Data::scalar),
    }
}

fn list(scan: &mut Scan<'_>, ty: Type, bits: &mut Vec<u128>, deeper: usize) -> Result<Vec<usize>, String> {
    scan.expect('[')?;
    let Some(deeper) = deeper.checked_sub(1) else { return Err(format!("arrays have at most {MAX_RANK} axes")) };
    let mut inner: Option<Vec<usize>> = None;
    let mut len = 0;
    while !scan.take(']') {
        let shape = if scan.at('[') {
            list(scan, ty, bits, deeper)?
        } else {
            bits.push(bits_of(number(&scan.word(), ty)?));
            Vec::new()
        };
        if inner.get_or_insert_with(|| shape.clone()) != &shape {
            return Err("the rows of this list differ in shape".to_owned());
        }
        len += 1;
        if !scan.take(',') && !scan.at(']') {
            return Err(format!("expected `,` or `]` at `{}`", scan.rest()));
        }
    }
    Ok(std::iter::once(len).chain(inner.unwrap_or_default()).collect())
}

/// One number of a type: a decimal, `0x` bits, `inf`, `nan`, `true`.
pub fn number(text: &str, ty: Type) -> Result<Scalar, String> {
    let wrong = |_| format!("`{text}` is not a value of type {ty}");
    let wide = |text: &str| match text.strip_prefix("0x") {
        Some(hex) => i128::from_str_radix(hex, 16),
        None => text.parse::<i128>(),
    };
    match ty {
        Type::Bool => text.parse().map(Scalar::bool).map_err(|_| wrong(())),
        Type::F32 => text.parse().map(Scalar::f32).map_err(|_| wrong(())),
        Type::F64 => text.parse().map(Scalar::f64).map_err(|_| wrong(())),
        Type::F16 | Type::BF16 if text.starts_with("0x") => {
            wide(text).map(|bits| Scalar::new(ty, bits as u64)).map_err(|_| wrong(()))
        }
        Type::F16 | Type::BF16 => text.parse().map(|value| Scalar::half(ty, value)).map_err(|_| wrong(())),
        Type::C64 | Type::C128 => {
            let [re, im] = parts_of(text).ok_or_else(|| wrong(()))?.map(|part| number(&part, ty.part()));
            Ok(Scalar::complex(ty, re?.bits, im?.bits))
        }
        Type::I8 | Type::I16 | Type::I32 | Type::I64 | Type::U8 | Type::U16 | Type::U32 | Type::U64 => {
            let value = wide(text).map_err(|_| wrong(()))?;
            let scalar = Scalar::int(ty, value);
            if scalar.as_i128() == value { Ok(scalar) } else { Err(wrong(())) }
        }
    }
}

/// A value with its type written behind it, or a bare one: `2.5f32`, `3`, `2.5`. The second says whether it is bare.
pub fn suffixed(text: &str) -> Result<(Scalar, bool), String> {
    if text == "true" || text == "false" {
        return number(text, Type::Bool).map(|scalar| (scalar, false));
    }
    for ty in Type::ALL {
        if let Some(digits) = text.strip_suffix(ty.name()) {
            return number(digits, *ty).map(|scalar| (scalar, false));
        }
    }
    let real = number(text, Type::I64).or_else(|_| number(text, Type::F64));
    let bare = real.or_else(|why| number(text, Type::C128).map_err(|_| why))?;
    Ok((bare, true))
}

/// The parts of a complex number as Python writes it: `1+2j`, `2j`, `-1`, `(1-2j)`.
pub fn parts_of(text: &str) -> Option<[String; 2]> {
    let text = text.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')).unwrap_or(text);
    let Some(text) = text.strip_suffix('j') else { return Some([text.to_owned(), "0".to_owned()]) };
    // The sign between the parts is the last that is no exponent's.
    let between = |(at, sign): (usize, char)| {
        let exponent = text[..at].ends_with(['e', 'E']);
        (at > 0 && matches!(sign, '+' | '-') && !exponent).then_some(at)
    };
    match text.char_indices().rev().find_map(between) {
        Some(at) => Some([text[..at].to_owned(), text[at..].to_owned()]),
        None => Some(["0".to_owned(), text.to_owned()]),
    }
}

/// The most elements of one value; a formula could ask for any number.
const MOST: usize = 1 << 27;

fn formula(scan: &mut Scan<'_>, ty: Type, name: &str) -> Result<Data, String> {
    scan.expect('(')?;
    let mut args = Vec::new();
    while !scan.take(')') {
        args.push(scan.word());
        if !scan.take(',') && !scan.at(')') {
            return Err(format!("expected `,` or `)` at `{}`", scan.rest()));
        }
    }
    match (name, args.as_slice()) {
        ("ramp", [extents]) => {
            let shape = extents_of(extents)?;
            let bits = (0..count(&shape)).map(|at| small(at as i64, ty).into()).collect();
            Ok(Data { ty, shape, bits })
        }
        ("fill", [value, extents]) => {
            let shape = extents_of(extents)?;
            let bits = vec![bits_of(number(value, ty)?); count(&shape)];
            Ok(Data { ty, shape, bits })
        }
        ("random", [seed, extents, low, high]) => {
            let mut random = Random::new(seed.parse().map_err(|_| format!("`{seed}` is no seed"))?);
            let shape = extents_of(extents)?;
            let (low, high) = (number(low, ty)?, number(high, ty)?);
            let bits = (0..count(&shape)).map(|_| bits_of(random.between(low, high))).collect();
            Ok(Data { ty, shape, bits })
        }
        _ => Err(format!(
            "`{name}` with {} arguments is no formula; there are ramp(extents), fill(value, extents) \
             and random(seed, extents, low, high)",
            args.len()
        )),
    }
}

fn count(shape: &[usize]) -> usize {
    shape.iter().product()
}

/// Extents such as `3x4`.
pub fn extents_of(text: &str) -> Result<Vec<usize>, String> {
    let wrong = |_| format!("`{text}` are no extents");
    let shape: Vec<usize> = text.split('x').map(|part| part.parse().map_err(wrong)).collect::<Result<_, _>>()?;
    let count = shape.iter().try_fold(1usize, |count, extent| count.checked_mul(*extent));
    match count {
        Some(count) if count <= MOST => Ok(shape),
        Some(_) | None => Err(format!("{text} are more than the {MOST} elements a case may have")),
    }
}

/// A small number in any type; integers wrap.
pub fn small(value: i64, ty: Type) -> u64 {
    match ty {
        Type::Bool => Scalar::bool(value % 2 != 0).bits,
        Type::F32 => Scalar::f32(value as f32).bits,
        Type::F64 => Scalar::f64(value as f64).bits,
        Type::F16 | Type::BF16 => Scalar::half(ty, value as f64).bits,
        // The real part; the imaginary one is 0.
        Type::C64 | Type::C128 => small(value, ty.part()),
        Type::I8 | Type::I16 | Type::I32 | Type::I64 | Type::U8 | Type::U16 | Type::U32 | Type::U64 => {
            Scalar::int(ty, value.into()).bits
        }
    }
}

/// A stream of random bits (SplitMix64), the same on every machine.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A stream of its own for each seed.
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.bits() % bound.max(1) as u64) as usize
    }

    /// A value from `low` up to `high`; floats exclude it, integers include it.
    pub fn between(&mut self, low: Scalar, high: Scalar) -> Scalar {
        let unit = (self.bits() >> 11) as f64 / (1u64 << 53) as f64;
        match low.ty {
            Type::F32 => Scalar::f32((low.as_f64() + (high.as_f64() - low.as_f64()) * unit) as f32),
            Type::F64 => Scalar::f64(low.as_f64() + (high.as_f64() - low.as_f64()) * unit),
            Type::F16 | Type::BF16 => Scalar::half(low.ty, low.as_f64() + (high.as_f64() - low.as_f64()) * unit),
            Type::C64 | Type::C128 => {
                let (low, high) = (low.parts(), high.parts());
                let [re, im] = [0, 1].map(|part| self.between(low[part], high[part]));
                Scalar::complex(if re.ty == Type::F32 { Type::C64 } else { Type::C128 }, re.bits, im.bits)
            }
            Type::Bool
            | Type::I8
            | Type::I16
            | Type::I32
            | Type::I64
            | Type::U8
            | Type::U16
            | Type::U32
            | Type::U64 => {
                let range = (high.as_i128() - low.as_i128() + 1).max(1);
                let at = (u128::from(self.bits()) % range as u128) as i128;
                Scalar::int(low.ty, low.as_i128() + at)
            }
        }
    }
}
