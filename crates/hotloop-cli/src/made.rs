//! Values made up for parameters, for measuring and comparing.

use crate::value::Loaded;
use hotloop::{ParamInfo, Scalar, Type, Value};
use hotloop_cases::data::{Data, Random, bits_of};

/// A value for a parameter: an array of about `size` elements, or a small number. A parameter without a type gets an
/// array of `f64` with one axis.
pub fn value(param: &ParamInfo, size: usize, seed: u64) -> Result<Loaded, String> {
    let (ty, rank) = param.annotation.map_or((Type::F64, 1), |annotation| (annotation.ty, annotation.rank));
    let mut random = Random::new(seed);
    if rank == 0 {
        return Ok(Loaded::Value(Value::Scalar(middle(ty))));
    }
    let extent = (size as f64).powf(1.0 / f64::from(rank)).round() as usize;
    let shape = vec![extent; rank as usize];
    let count = shape.iter().product();
    let (low, high) = (bound(ty, 0.1, 1), bound(ty, 1.0, 100));
    let scalars: Vec<Scalar> = (0..count).map(|_| random.between(low, high)).collect();
    crate::elements::array(ty, &scalars, &shape).map(|array| Loaded::Value(Value::Array(array)))
}

/// A number that most kernels can do something with.
fn middle(ty: Type) -> Scalar {
    bound(ty, 0.5, 10)
}

fn bound(ty: Type, float: f64, int: i128) -> Scalar {
    match ty {
        Type::F32 => Scalar::f32(float as f32),
        Type::F64 => Scalar::f64(float),
        Type::F16 | Type::BF16 => Scalar::half(ty, float),
        Type::C64 | Type::C128 => {
            let part = bound(ty.part(), float, int).bits;
            Scalar::complex(ty, part, part)
        }
        Type::Bool => Scalar::bool(int > 1),
        Type::I8 | Type::I16 | Type::I32 | Type::I64 | Type::U8 | Type::U16 | Type::U32 | Type::U64 => {
            Scalar::int(ty, int)
        }
    }
}

/// Values that arithmetic treats specially.
const FLOATS: [f64; 12] =
    [0.0, -0.0, 1.0, -1.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, f64::MAX, f64::MIN_POSITIVE, 5e-324, 0.5, 1e-30];

/// An array or a scalar to compare targets with: random numbers of all sizes, and every fourth one special. Integer
/// scalars stay small, because they are often counts.
pub fn trial(param: &ParamInfo, length: usize, random: &mut Random) -> Option<Data> {
    let annotation = param.annotation?;
    let rank = annotation.rank as usize;
    let most = [usize::MAX, usize::MAX, 33, 9][rank.min(3)];
    let shape = vec![length.min(most); rank];
    let count: usize = shape.iter().product();
    let is_scalar = rank == 0;
    let bits = (0..count).map(|_| element(annotation.ty, is_scalar, random)).map(bits_of).collect();
    Some(Data { ty: annotation.ty, shape, bits })
}

fn element(ty: Type, is_scalar: bool, random: &mut Random) -> Scalar {
    if ty.is_complex() {
        let [real, imag] = [0, 1].map(|_| element(ty.part(), is_scalar, random).bits);
        return Scalar::complex(ty, real, imag);
    }
    let special = random.below(4) == 0;
    let float = match special {
        true => FLOATS[random.below(FLOATS.len())],
        false => {
            let size = 10f64.powi(random.below(9) as i32 - 4);
            random.between(Scalar::f64(-size), Scalar::f64(size)).as_f64()
        }
    };
    match ty {
        Type::F32 => Scalar::f32(float as f32),
        Type::F64 => Scalar::f64(float),
        Type::F16 | Type::BF16 => Scalar::half(ty, float),
        // Made of its parts above.
        Type::C64 | Type::C128 => Scalar::new(ty, 0),
        Type::Bool => Scalar::bool(random.below(2) == 1),
        Type::I8 | Type::I16 | Type::I32 | Type::I64 | Type::U8 | Type::U16 | Type::U32 | Type::U64 => {
            match (is_scalar, special) {
                (true, _) => Scalar::int(ty, random.below(12) as i128 - 1),
                (false, true) => Scalar::int(ty, random.bits() as i128),
                (false, false) => Scalar::int(ty, random.below(200) as i128 - 100),
            }
        }
    }
}
