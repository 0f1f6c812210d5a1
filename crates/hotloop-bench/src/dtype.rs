//! The element types the workloads come in.

use hotloop::{Scalar, Type};

macro_rules! dtypes {
    ($($variant:ident $name:literal $bytes:literal;)*) => {
        /// An element type.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Dtype {
            $(#[doc = $name] $variant,)*
        }

        impl Dtype {
            /// Every type, in the order of the enum.
            pub const ALL: [Dtype; 4] = [$(Dtype::$variant),*];

            /// The name in tables and symbols.
            pub const fn name(self) -> &'static str {
                match self { $(Dtype::$variant => $name,)* }
            }

            /// The type of the engine.
            pub const fn ty(self) -> Type {
                match self { $(Dtype::$variant => Type::$variant,)* }
            }

            /// The size of an element.
            pub const fn bytes(self) -> usize {
                match self { $(Dtype::$variant => $bytes,)* }
            }
        }
    };
}

dtypes! {
    F32 "f32" 4;
    F64 "f64" 8;
    U32 "u32" 4;
    U64 "u64" 8;
}

impl Dtype {
    /// A number as a scalar of this type.
    pub fn scalar(self, value: f64) -> Scalar {
        match self {
            Dtype::F32 => Scalar::f32(value as f32),
            Dtype::F64 => Scalar::f64(value),
            Dtype::U32 => Scalar::new(Type::U32, u64::from(value as u32)),
            Dtype::U64 => Scalar::new(Type::U64, value as u64),
        }
    }

    /// The type of this name.
    pub fn of_name(name: &str) -> Option<Dtype> {
        Dtype::ALL.into_iter().find(|dtype| dtype.name() == name)
    }
}
