//! Which element a walk is at, for the faults of the function that combines: a point of its nests is many elements.
//!
//! The number of an element is that in C order over what is walked. Where several axes are walked one after the other,
//! what stands for a whole line has the number of the line's first element, and so have the results of blocks.

use super::Lower;
use super::nest::Coord;
use super::shape::Dim;
use crate::hir::Combine;
use hotloop_ir::{Counts, Op, Param, Scalar, Value};

/// The element that the code at hand is at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walked {
    /// What its number counts.
    pub counts: Counts,
    /// Its number, if that can be told.
    pub at: Option<Value>,
}

/// How the elements along the lines of a walk are numbered.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The shape of all that is walked.
    dims: Vec<Dim>,
    /// For each axis that is left, which of these it is.
    axes: Vec<usize>,
    /// The axis along the lines.
    along: usize,
    counts: Counts,
}

impl<'h> Lower<'h> {
    /// The numbering for walks along these axes, one after the other; none if the function cannot fault.
    pub fn numberings(&mut self, combine: Combine, dims: &[Dim], ways: &[usize]) -> Vec<Option<Place>> {
        let faults = match combine {
            Combine::Op(_) => false,
            Combine::Call(id) => !self.total_instance(id),
        };
        let counts = self.counts_of(dims);
        let mut axes: Vec<usize> = (0..dims.len()).collect();
        let mut place = |&way: &usize| {
            let place = Place { dims: dims.to_vec(), axes: axes.clone(), along: axes[way], counts };
            axes.remove(way);
            faults.then_some(place)
        };
        ways.iter().map(&mut place).collect()
    }

    /// What the numbers of elements of a shape count.
    pub fn counts_of(&self, dims: &[Dim]) -> Counts {
        if dims.len() == 1 {
            return Counts::Row;
        }
        let same = |param: &Param| match param {
            Param::Scalar(_) | Param::Pair(_) => false,
            Param::Array(id) => {
                let own = &self.array_dims[id.index()];
                own.len() == dims.len() && own.iter().zip(dims).all(|(&a, b)| self.canon(a) == self.canon(b.extent))
            }
        };
        let found = self.program.params.iter().position(same);
        found.map_or(Counts::Unnamed, |at| Counts::Param(at as u32))
    }

    /// From here on the code is at the element `at * scale` of the line at these coordinates.
    pub fn mark(&mut self, place: Option<&Place>, coords: &[Coord], at: Value, scale: i64) {
        let Some(place) = place else { return };
        if place.counts == Counts::Unnamed {
            self.walked = Some(Walked { counts: place.counts, at: None });
            return;
        }
        let at = match scale {
            1 => at,
            _ => {
                let scale = self.literal(Scalar::i64(scale));
                self.b().op(Op::Mul, &[at, scale])
            }
        };
        let mut full = vec![Coord::ZERO; place.dims.len()];
        for (&axis, &coord) in place.axes.iter().zip(coords) {
            full[axis] = coord;
        }
        full[place.along] = Coord::computed(at);
        let number = self.linear(&full, &place.dims);
        self.walked = Some(Walked { counts: place.counts, at: Some(number) });
    }
}
