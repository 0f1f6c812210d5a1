//! Arrays of the `ndarray` crate in calls: views of any strides, written ones, empty ones, and results.
#![cfg(feature = "ndarray")]

use hotloop::{Array, Engine, View, ViewMut, args, named};
use ndarray::{Array1, Array2, ArrayD, IxDyn, arr0, arr2, s};

#[test]
fn views_are_seen_as_they_are() {
    let engine = Engine::new();
    let grid = Array2::from_shape_fn((4, 6), |(row, column)| (10 * row + column) as f64);
    let value = |view: hotloop::Arg<'_>| {
        let array = engine.eval("a + 0", &[("a", view)]).expect("it runs").into_array().expect("an array");
        array.to_ndarray::<f64>().expect("of f64")
    };
    assert_eq!(value((&grid).into()), grid.clone().into_dyn());
    assert_eq!(value(grid.t().into()), grid.t().to_owned().into_dyn());
    let part = grid.slice(s![1..;2, ..;-2]);
    assert_eq!(value(part.into()), part.to_owned().into_dyn());
    let none = grid.slice(s![2..2, ..]);
    assert_eq!(value(none.into()).shape(), [0, 6]);
    let one = engine.eval("2 * a", &named! { a: &arr0(4.5f32) }).expect("it runs");
    assert_eq!(one.scalar::<f32>(), Ok(9.0));
}

#[test]
fn written_views_are_written_in_place() {
    let engine = Engine::new();
    let module = engine.load("kernel k(u: mut f32[:, :], x) { u[:, :] = u * 10 + x }").expect("it is right");
    let mut grid = arr2(&[[1.0f32, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    let row = Array1::from(vec![0.5f32, 0.25]);
    module.kernel("k").and_then(|k| k.call(&args![grid.slice_mut(s![.., ..;-2]), &row])).expect("it runs");
    assert_eq!(grid, arr2(&[[10.25, 2.0, 30.5], [40.25, 5.0, 60.5]]));
}

#[test]
fn arrays_come_back() {
    let array = Array::from_vec(vec![1i64, 2, 3, 4, 5, 6], &[2, 3]).expect("six");
    assert_eq!(array.as_ndarray::<i64>().expect("of i64"), arr2(&[[1, 2, 3], [4, 5, 6]]).into_dyn());
    assert!(array.as_ndarray::<f64>().is_none() && array.to_ndarray::<i32>().is_none());
    let turned = arr2(&[[1i64, 3, 5], [2, 4, 6]]);
    assert_eq!(Array::from_ndarray(turned.t()).expect("it fits").shape(), [3, 2]);
}

#[test]
fn too_many_axes_are_an_error() {
    let mut deep = ArrayD::<f64>::zeros(IxDyn(&[1; 40]));
    assert!(View::try_from(deep.view()).is_err());
    assert!(ViewMut::try_from(deep.view_mut()).is_err());
    assert!(Array::from_ndarray(deep.view()).is_err());
}
