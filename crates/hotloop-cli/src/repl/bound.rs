//! A kernel bound to the values a session calls it with.
//!
//! Owns which arguments are variables, and how those that are written are lent out of the session for a call.

use crate::report::Failure;
use crate::value::Loaded;
use hotloop::{Arg, ArgType, Kernel, arg_type};
use std::collections::BTreeMap;

/// A kernel with the places of its arguments.
pub struct Bound {
    /// The kernel.
    pub kernel: Kernel,
    /// Its arguments, in order.
    pub params: Vec<Place>,
}

/// Where an argument is.
pub enum Place {
    /// In a variable.
    Var(String),
    /// Here.
    Temp(Loaded),
}

type Vars = BTreeMap<String, Loaded>;

impl Bound {
    /// The types of the arguments.
    pub fn types(&self, vars: &Vars) -> Vec<ArgType> {
        self.params.iter().filter_map(|place| place.value(vars)).map(|value| arg_type(&value.view())).collect()
    }

    /// The arguments of a kernel that writes nothing.
    pub fn args<'a>(&'a self, vars: &'a Vars) -> Result<Vec<Arg<'a>>, Failure> {
        let arg = |place: &'a Place| Ok(place.value(vars).ok_or_else(|| gone(place))?.view());
        self.params.iter().map(arg).collect()
    }

    /// The variables that are written.
    pub fn written(&self) -> impl Iterator<Item = &str> {
        let mutable = self.params.iter().zip(&self.kernel.info().params).filter(|(_, param)| param.mutable);
        mutable.filter_map(|(place, _)| match place {
            Place::Var(name) => Some(name.as_str()),
            Place::Temp(_) => None,
        })
    }

    /// Takes the variables that are written out of the session. One that is read as well is copied first.
    pub fn take_written(&mut self, vars: &mut Vars) -> Result<Vec<(String, Loaded)>, Failure> {
        let written: Vec<String> = self.written().map(str::to_owned).collect();
        for (at, name) in written.iter().enumerate() {
            if written[..at].contains(name) {
                return Err(Failure::Data(format!("`{name}` is passed twice to be written")));
            }
        }
        let infos = self.kernel.info().params.clone();
        for (place, param) in self.params.iter_mut().zip(&infos) {
            let shared = matches!(place, Place::Var(name) if !param.mutable && written.contains(name));
            if let (true, Some(value)) = (shared, place.value(vars)) {
                *place = Place::Temp(value.to_owned_value()?);
            }
        }
        let mut taken = Vec::with_capacity(written.len());
        for name in written {
            if let Some(value) = vars.remove(&name) {
                taken.push((name, value.into_owned_value()?));
            }
        }
        Ok(taken)
    }

    /// The arguments, some of them among what `take_written` took.
    pub fn args_writing<'a>(
        &'a self,
        vars: &'a Vars,
        taken: &'a mut [(String, Loaded)],
    ) -> Result<Vec<Arg<'a>>, Failure> {
        let mut taken: Vec<Option<(&str, &'a mut Loaded)>> =
            taken.iter_mut().map(|(name, value)| Some((name.as_str(), value))).collect();
        let mut args = Vec::with_capacity(self.params.len());
        for (at, place) in self.params.iter().enumerate() {
            let mutable = self.kernel.info().params.get(at).is_some_and(|param| param.mutable);
            let mine = |slot: &&mut Option<(&str, &'a mut Loaded)>| matches!((place, slot), (Place::Var(name), Some((other, _))) if name == other);
            match taken.iter_mut().find(mine).and_then(Option::take) {
                Some((_, value)) if mutable => args.push(value.arg(true)),
                Some(_) | None => args.push(place.value(vars).ok_or_else(|| gone(place))?.view()),
            }
        }
        Ok(args)
    }

    /// Moves variables that only this call needs out of the session.
    pub fn adopt(&mut self, names: &[String], vars: &mut Vars) {
        for place in &mut self.params {
            let Place::Var(name) = place else { continue };
            if names.contains(name)
                && let Some(value) = vars.remove(name)
            {
                *place = Place::Temp(value);
            }
        }
        names.iter().for_each(|name| drop(vars.remove(name)));
    }
}

impl Place {
    /// The value there.
    pub fn value<'a>(&'a self, vars: &'a Vars) -> Option<&'a Loaded> {
        match self {
            Place::Var(name) => vars.get(name),
            Place::Temp(value) => Some(value),
        }
    }
}

fn gone(place: &Place) -> Failure {
    match place {
        Place::Var(name) => Failure::Data(format!("`{name}` is not defined")),
        Place::Temp(_) => Failure::Data("an argument is missing".to_owned()),
    }
}
