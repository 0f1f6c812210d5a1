//! The test host with a kernel written by hand: tiles run once each however they are split, the fault of lowest index
//! wins, and writes outside the arrays are noticed.
#![cfg(feature = "testing")]

use hotloop_ir::{Layout, Program, Scalar, Type};
use hotloop_target::frame::{HEADER_WORDS, HOST_WORD};
use hotloop_target::testing::{Input, Make, Outcome, Split, Tensor, run};
use hotloop_target::{FaultRecord, HostTable, Kernel, Status};

const TILES: i64 = 23;

/// Marks its tiles in an array; a tile whose mark is -1 faults.
unsafe extern "C" fn mark(frame: *mut u64, fault: *mut FaultRecord, lo: i64, hi: i64) -> i32 {
    for tile in lo..hi {
        // SAFETY: the first array of the frame has one `i64` per tile, and each tile is run by one thread.
        let element = unsafe { &mut *(*frame.add(HEADER_WORDS) as *mut i64).offset(tile as isize) };
        if *element == -1 {
            // SAFETY: the host passes a record for this call.
            unsafe { (*fault).linear = tile };
            return Status::Fault as i32;
        }
        *element = element.wrapping_add(1 + tile);
    }
    Status::Ok as i32
}

struct Marker;

impl Kernel for Marker {
    unsafe fn run(&self, frame: *mut u64, fault: &mut FaultRecord) -> Status {
        // SAFETY: the frame holds the host's table, which is called with its own data.
        let raw = unsafe {
            let host = &*(*frame.add(HOST_WORD) as *const HostTable);
            (host.par_for)(host.data, frame, fault, mark, 0, TILES)
        };
        Status::from_raw(raw)
    }

    fn code_bytes(&self) -> usize {
        0
    }
}

fn program() -> Program {
    let mut make = Make::new("marks");
    make.in_place(Type::I64, 1, Layout::Dense);
    make.program
}

fn marked(values: &[i64], split: Split) -> Outcome {
    let values: Vec<Scalar> = values.iter().map(|value| Scalar::i64(*value)).collect();
    run(&program(), &Marker, &[Input::Array(Tensor::vector(Type::I64, &values))], split)
}

const SPLITS: [Split; 5] = [Split::Whole, Split::Backwards, Split::Threads(1), Split::Threads(3), Split::Threads(40)];

#[test]
fn every_tile_runs_once() {
    for split in SPLITS {
        let outcome = marked(&[0; TILES as usize], split);
        assert_eq!(outcome.status, Status::Ok, "{split:?}");
        let expected: Vec<Scalar> = (1..=TILES).map(Scalar::i64).collect();
        assert_eq!(outcome.arrays[0].values(), expected, "{split:?}");
    }
}

#[test]
fn the_fault_of_lowest_index_wins() {
    let mut values = [0; TILES as usize];
    (values[20], values[5], values[11]) = (-1, -1, -1);
    for split in SPLITS {
        let outcome = marked(&values, split);
        assert_eq!((outcome.status, outcome.fault.map(|fault| fault.linear)), (Status::Fault, Some(5)), "{split:?}");
    }
}

#[test]
#[should_panic(expected = "wrote outside the elements")]
fn writes_outside_are_noticed() {
    marked(&[0; TILES as usize - 1], Split::Whole);
}

#[test]
fn differences_are_found_and_any_nan_equals_any_nan() {
    let outcome = |bits: u64| {
        let mut outcome = marked(&[0; TILES as usize], Split::Whole);
        outcome.arrays[0] = Tensor::vector(Type::F64, &[Scalar::f64(1.0), Scalar::new(Type::F64, bits)]);
        outcome
    };
    let nan = f64::NAN.to_bits();
    assert_eq!(outcome(nan).difference(&outcome(nan | 1 << 63 | 5)), None);
    let text = outcome(0).difference(&outcome(1 << 63)).expect("zeros of different sign");
    assert!(text.contains("element 1 of [2]: 0.0f64 against -0.0f64"), "{text}");
}
