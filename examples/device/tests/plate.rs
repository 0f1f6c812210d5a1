//! The example computes what the processor computes, and moves what it says.

use device::{Plate, TEXT};
use hotloop::{Array, Engine, TargetChoice, args};

#[test]
fn a_plate_cools_as_on_the_processor() {
    if Engine::devices().is_empty() {
        return assert_ne!(std::env::var("HOTLOOP_REQUIRE").as_deref(), Ok("gpu"));
    }
    let gpu = Engine::builder().target(TargetChoice::Gpu).build();
    let start: Vec<f32> = (0..20 * 30).map(|i| (i * i % 17) as f32).collect();
    let mut expected = Array::from_vec(start.clone(), &[20, 30]).expect("that many");
    let mut plate = Plate::new(&gpu, &expected).expect("it goes");
    plate.run(7).expect("it runs");
    let cpu = Engine::new();
    let step = cpu.load(TEXT).and_then(|module| module.kernel("step")).expect("it is right");
    for _ in 0..7 {
        let mut next = Array::from_vec(start.clone(), &[20, 30]).expect("that many");
        step.call(&args![&expected, &mut next]).expect("it runs");
        expected = next;
    }
    let found = plate.to_host().expect("it comes");
    let near = found.as_slice::<f32>().iter().zip(expected.as_slice::<f32>()).all(|(a, b)| (a - b).abs() <= 1e-4);
    assert!(near, "{found:?} is not {expected:?}");
    let device = gpu.device().expect("open");
    assert_eq!((device.transfers().uploads, device.transfers().downloads), (1, 1));
    assert!(plate.spread().expect("it runs") > 0.0);
}
