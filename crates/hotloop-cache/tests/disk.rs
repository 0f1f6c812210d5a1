//! The disk cache as files see it: many processes, killed writers, wrong files, wrong permissions, no room.
//!
//! Processes are this very program again, told by the environment what to do (see `child`).
#![cfg(unix)]

use hotloop_cache::{Disk, DiskLimits, Miss};
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const BUILD: u128 = 1;

fn open(path: &Path) -> Disk {
    Disk::new(path, BUILD, DiskLimits::default())
}

fn get(disk: &Disk, key: &[u8]) -> Result<Vec<u8>, Miss> {
    disk.get(key, |bytes| Some(bytes.to_vec()))
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

/// The only entry there is.
fn file(path: &Path) -> PathBuf {
    let files: Vec<PathBuf> =
        fs::read_dir(path).expect("a directory").map(|item| item.expect("a file").path()).collect();
    let [only] = &files[..] else { panic!("not one file: {files:?}") };
    only.clone()
}

/// Content that tells which key it belongs to, long enough to be written in several pieces.
fn content(number: u32) -> Vec<u8> {
    (0..200_000u32).map(|at| (at.wrapping_mul(31) ^ number) as u8).collect()
}

#[test]
fn what_is_put_is_found() {
    let folder = folder();
    let path = folder.path().join("made/when/needed");
    let disk = open(&path);
    assert_eq!(get(&disk, b"key"), Err(Miss::Absent));
    disk.put(b"key", "label", b"content");
    assert_eq!(get(&disk, b"key"), Ok(b"content".to_vec()));
    assert_eq!(get(&open(&path), b"key"), Ok(b"content".to_vec()), "another process");
    assert_eq!(get(&disk, b"kez"), Err(Miss::Absent));
    disk.put(b"key", "label", b"other");
    assert_eq!(get(&disk, b"key"), Ok(b"other".to_vec()));
    let counters = disk.counters();
    assert_eq!((counters.hits, counters.misses(), counters.stores), (2, 2, 2));
    assert_eq!(counters.last_miss, Some(Miss::Absent));
    let list = disk.list().expect("a list");
    assert_eq!(list.len(), 1);
    assert_eq!(list[0].label.as_deref(), Ok("label"));
    assert_eq!(disk.clear(), Ok((1, list[0].bytes)));
    assert_eq!(get(&disk, b"key"), Err(Miss::Absent));
}

#[test]
fn every_flipped_byte_is_a_miss_and_goes() {
    let folder = folder();
    open(folder.path()).put(b"key", "label", b"content");
    let path = file(folder.path());
    let good = fs::read(&path).expect("an entry");
    for at in 0..good.len() {
        for flip in [1, 0x80, 0xff] {
            let mut bytes = good.clone();
            bytes[at] ^= flip;
            fs::write(&path, bytes).expect("written");
            let miss = get(&open(folder.path()), b"key").expect_err("a flipped byte");
            assert!(
                matches!(miss, Miss::Foreign | Miss::OtherVersion | Miss::Truncated | Miss::Damaged),
                "{at} {miss:?}"
            );
            assert!(!path.exists(), "byte {at} was flipped, and the file is still there");
            // Files made by this test have the permissions of its umask.
            fs::write(&path, &good).expect("written");
            fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("set");
        }
    }
    assert_eq!(get(&open(folder.path()), b"key"), Ok(b"content".to_vec()));
}

#[test]
fn every_truncation_is_a_miss_and_goes() {
    let folder = folder();
    open(folder.path()).put(b"key", "label", b"content");
    let path = file(folder.path());
    let good = fs::read(&path).expect("an entry");
    for len in 0..good.len() {
        fs::write(&path, &good[..len]).expect("written");
        fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("set");
        assert_eq!(get(&open(folder.path()), b"key"), Err(Miss::Truncated), "{len}");
        assert!(!path.exists());
    }
}

#[test]
fn entries_of_another_build_are_replaced() {
    let folder = folder();
    open(folder.path()).put(b"key", "label", b"old");
    let newer = Disk::new(folder.path(), BUILD + 1, DiskLimits::default());
    assert_eq!(get(&newer, b"key"), Err(Miss::OtherVersion));
    assert_eq!(get(&newer, b"key"), Err(Miss::Absent), "it was removed");
    newer.put(b"key", "label", b"new");
    assert_eq!(get(&newer, b"key"), Ok(b"new".to_vec()));
}

#[test]
fn bytes_that_make_no_sense_to_the_reader_are_damage() {
    let folder = folder();
    let disk = open(folder.path());
    disk.put(b"key", "label", b"content");
    assert_eq!(disk.get(b"key", |_| None::<()>), Err(Miss::Damaged));
    assert_eq!(get(&disk, b"key"), Err(Miss::Absent));
}

#[test]
fn another_key_in_the_place_of_one_is_not_taken_for_it() {
    let folder = folder();
    let disk = open(folder.path());
    disk.put(b"one", "label", b"content");
    let one = file(folder.path());
    disk.put(b"two", "label", b"content");
    let two = fs::read_dir(folder.path()).expect("a directory").map(|item| item.expect("a file").path());
    let two = two.into_iter().find(|path| *path != one).expect("a second entry");
    fs::copy(&one, &two).expect("copied");
    assert_eq!(get(&disk, b"two"), Err(Miss::OtherKey));
    let verified = disk.verify().expect("verified");
    assert_eq!((verified.good, verified.removed.len()), (1, 1));
    assert_eq!(get(&disk, b"one"), Ok(b"content".to_vec()));
}

#[test]
fn verifying_removes_what_is_wrong() {
    let folder = folder();
    let disk = open(folder.path());
    disk.put(b"one", "label", b"content");
    let path = file(folder.path());
    disk.put(b"two", "label", b"content");
    fs::write(&path, b"hotloop\x01 but no more").expect("written");
    let verified = disk.verify().expect("verified");
    assert_eq!(verified.good, 1);
    assert_eq!(verified.removed.len(), 1);
    assert!(!path.exists());
}

#[test]
fn the_least_recently_used_goes_first() {
    let folder = folder();
    let disk = Disk::new(folder.path(), BUILD, DiskLimits { bytes: u64::MAX, entries: 4 });
    for key in 0..4u8 {
        disk.put(&[key], "label", &[key]);
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(get(&disk, &[0]).is_ok(), "now it is the one used last");
    std::thread::sleep(Duration::from_millis(5));
    disk.put(&[4], "label", &[4]);
    let held: Vec<u8> = (0..5).filter(|key| get(&disk, &[*key]).is_ok()).collect();
    assert_eq!(held, [0, 2, 3, 4]);
    assert_eq!(disk.counters().evictions, 1);
}

#[test]
fn the_limit_of_bytes_holds() {
    let folder = folder();
    let limits = DiskLimits { bytes: 100_000, entries: 1000 };
    let disk = Disk::new(folder.path(), BUILD, limits);
    for key in 0..50u8 {
        disk.put(&[key], "label", &vec![key; 9000]);
        let bytes: u64 = disk.list().expect("a list").iter().map(|entry| entry.bytes).sum();
        assert!(bytes <= limits.bytes, "{bytes}");
    }
    disk.put(b"large", "label", &vec![0; 200_000]);
    assert_eq!(get(&disk, b"large"), Err(Miss::Absent), "what is larger than the limit is not stored");
    assert!(get(&disk, &[49]).is_ok());
}

#[test]
fn nothing_is_read_that_others_can_write() {
    let folder = folder();
    let path = folder.path().join("cache");
    open(&path).put(b"key", "label", b"content");
    fs::set_permissions(&path, Permissions::from_mode(0o770)).expect("set");
    let disk = open(&path);
    assert_eq!(get(&disk, b"key"), Err(Miss::Off));
    assert_eq!(disk.off(), Some("other users can write it"));
    disk.put(b"key", "label", b"content");
    assert_eq!(disk.counters().stores, 0);
    fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("set");
    fs::set_permissions(file(&path), Permissions::from_mode(0o622)).expect("set");
    assert_eq!(get(&open(&path), b"key"), Err(Miss::Unsafe));
    assert_eq!(get(&open(&path), b"key"), Err(Miss::Absent), "it was removed");
    let link = folder.path().join("link");
    symlink(&path, &link).expect("linked");
    assert_eq!(open(&link).off(), Some("it is no directory"));
}

/// A user without privilege, by number.
const NOBODY: u32 = 65534;

fn privileged() -> bool {
    rustix::process::geteuid().is_root()
}

#[test]
fn the_directory_of_another_user_is_not_read() {
    let folder = folder();
    let mut path = folder.path().join("cache");
    open(&path).put(b"key", "label", b"content");
    if privileged() {
        chown(&path, Some(NOBODY), None).expect("given away");
    } else {
        // Without privilege no directory can be given away, but there are some that belong to others.
        path = PathBuf::from("/");
    }
    let disk = open(&path);
    assert_eq!(get(&disk, b"key"), Err(Miss::Off));
    assert_eq!(disk.off(), Some("it belongs to another user"));
    disk.put(b"key", "label", b"content");
    assert_eq!((disk.counters().hits, disk.counters().stores), (0, 0));
}

/// As a user without privilege, for whom permissions hold.
#[test]
fn a_directory_without_permission_to_write_is_still_read() {
    let folder = folder();
    let (path, program) = (folder.path().join("cache"), folder.path().join("program"));
    fs::create_dir(&path).expect("made");
    fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("set");
    // The program may stand where that user cannot go.
    fs::copy(std::env::current_exe().expect("this program"), &program).expect("copied");
    let plain = |role: &str| {
        let mut command = Command::new(&program);
        if privileged() {
            command.uid(NOBODY).gid(NOBODY);
        }
        assert!(as_child(&mut command, role, &path).wait().expect("ended").success(), "{role}");
    };
    if privileged() {
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).expect("set");
        chown(&path, Some(NOBODY), Some(NOBODY)).expect("given away");
    }
    plain("put");
    fs::set_permissions(&path, Permissions::from_mode(0o555)).expect("set");
    plain("unwritable");
    fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("set");
    file(&path);
}

#[test]
fn links_and_pipes_are_not_followed() {
    let folder = folder();
    let disk = open(folder.path());
    disk.put(b"key", "label", b"content");
    let path = file(folder.path());
    let elsewhere = folder.path().join("elsewhere");
    fs::rename(&path, &elsewhere).expect("moved");
    symlink(&elsewhere, &path).expect("linked");
    assert_eq!(get(&disk, b"key"), Err(Miss::Unsafe));
    let status = Command::new("mkfifo").arg(&path).status();
    if status.is_ok_and(|status| status.success()) {
        assert_eq!(get(&disk, b"key"), Err(Miss::Unsafe), "a pipe that nobody writes holds nobody up");
    }
}

#[test]
fn a_place_that_cannot_be_a_directory_turns_it_off() {
    let folder = folder();
    let path = folder.path().join("file");
    fs::write(&path, "").expect("written");
    for path in [path.clone(), path.join("below")] {
        let disk = open(&path);
        disk.put(b"key", "label", b"content");
        assert_eq!(get(&disk, b"key"), Err(Miss::Off));
        assert!(disk.off().is_some() && disk.list().is_err() && disk.verify().is_err() && disk.clear().is_err());
    }
}

const ROLE: &str = "HOTLOOP_CACHE_TEST_ROLE";
const PLACE: &str = "HOTLOOP_CACHE_TEST_PLACE";

/// What other processes do; in a normal run nothing.
#[test]
fn child() {
    let (Ok(role), Some(place)) = (std::env::var(ROLE), std::env::var_os(PLACE)) else { return };
    let disk = open(Path::new(&place));
    match role.as_str() {
        "write" => loop {
            for number in 0..4u32 {
                disk.put(&number.to_le_bytes(), "label", &content(number));
            }
        },
        "share" => {
            let found = get(&disk, b"shared");
            if found.is_err() {
                disk.put(b"shared", "label", &content(9));
            }
            assert!(found.is_err() || found == Ok(content(9)));
            assert_eq!(get(&disk, b"shared"), Ok(content(9)));
        }
        "fill" => {
            for number in 0..100u32 {
                disk.put(&number.to_le_bytes(), "label", &content(number));
            }
            let counters = disk.counters();
            assert!(counters.stores > 0 && counters.failed_stores == 1, "{counters:?}");
            for number in 0..100u32 {
                match get(&disk, &number.to_le_bytes()) {
                    Ok(found) => assert_eq!(found, content(number)),
                    Err(miss) => assert_eq!(miss, Miss::Absent),
                }
            }
            let left = fs::read_dir(disk.path()).expect("a directory").count() as u64;
            assert_eq!(left, counters.stores, "nothing half written is left");
        }
        "put" => {
            disk.put(b"small", "label", b"content");
            assert_eq!(disk.counters().stores, 1);
        }
        "unwritable" => {
            assert_eq!(get(&disk, b"small"), Ok(b"content".to_vec()));
            disk.put(b"other", "label", b"content");
            let counters = disk.counters();
            assert_eq!((counters.stores, counters.failed_stores), (0, 1));
            assert_eq!(get(&disk, b"other"), Err(Miss::Absent));
            assert_eq!(get(&disk, b"small"), Ok(b"content".to_vec()));
        }
        "limited" => {
            disk.put(b"large", "label", &content(1).repeat(10));
            let counters = disk.counters();
            assert_eq!((counters.stores, counters.failed_stores), (0, 1));
            assert_eq!(get(&disk, b"large"), Err(Miss::Absent));
            assert_eq!(get(&disk, b"small"), Ok(b"content".to_vec()));
            disk.put(b"other", "label", b"content");
            assert_eq!(disk.counters().stores, 0, "it does not try again");
            assert_eq!(fs::read_dir(disk.path()).expect("a directory").count(), 1);
        }
        other => panic!("no role `{other}`"),
    }
}

fn as_child(command: &mut Command, role: &str, place: &Path) -> Child {
    let command = command.args(["--exact", "child", "--nocapture"]).env(ROLE, role).env(PLACE, place);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a process")
}

fn this_program() -> Command {
    Command::new(std::env::current_exe().expect("this program"))
}

#[test]
fn killed_writers_leave_nothing_wrong() {
    let folder = folder();
    let mut found = 0;
    for round in 0..40u64 {
        let mut writer = as_child(&mut this_program(), "write", folder.path());
        // Long enough to be writing, each time to another point.
        std::thread::sleep(Duration::from_micros(8_000 + round * 777 % 9_000));
        writer.kill().expect("killed");
        writer.wait().expect("gone");
        let disk = open(folder.path());
        for number in 0..4u32 {
            match get(&disk, &number.to_le_bytes()) {
                Ok(bytes) => {
                    assert_eq!(bytes, content(number), "round {round}");
                    found += 1;
                }
                Err(miss) => assert_eq!(miss, Miss::Absent, "round {round}"),
            }
        }
    }
    assert!(found > 0, "no writer came to write");
    // What they left unfinished goes when it is old enough.
    let old = std::time::SystemTime::now() - Duration::from_secs(3600);
    for item in fs::read_dir(folder.path()).expect("a directory") {
        let file = fs::File::open(item.expect("a file").path()).expect("opened");
        file.set_modified(old).expect("set");
    }
    open(folder.path()).put(b"last", "label", b"content");
    let names = fs::read_dir(folder.path()).expect("a directory").map(|item| item.expect("a file").file_name());
    assert!(names.into_iter().all(|name| !name.to_string_lossy().starts_with("tmp-")));
}

#[test]
fn two_hundred_processes_share_one_key() {
    let folder = folder();
    let mut children: Vec<Child> = (0..200).map(|_| as_child(&mut this_program(), "share", folder.path())).collect();
    let start = Instant::now();
    while !children.is_empty() {
        assert!(start.elapsed() < Duration::from_secs(60), "{} processes are waiting", children.len());
        children.retain_mut(|child| match child.try_wait().expect("a state") {
            Some(status) => {
                assert!(status.success());
                false
            }
            None => true,
        });
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(get(&open(folder.path()), b"shared"), Ok(content(9)));
    file(folder.path());
}

/// On a disk of one megabyte, where this user may make one.
#[test]
#[expect(clippy::print_stderr, reason = "what is skipped is said")]
fn a_full_disk_only_turns_writing_off() {
    let folder = folder();
    let script = r#"mount -t tmpfs -o size=1m,mode=700 none "$1" && shift && exec "$@""#;
    let wrap = |rest: &[&std::ffi::OsStr]| {
        let mut command = Command::new("unshare");
        // Who has privilege may mount at once; everybody else in a name space where he has it.
        let user: &[&str] = if privileged() { &[] } else { &["--user", "--map-root-user"] };
        command.args(user).args(["--mount", "sh", "-c", script, "sh"]).arg(folder.path()).args(rest);
        command
    };
    let mut trial = wrap(&["true".as_ref()]);
    let allowed = trial.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success());
    if !allowed {
        // There is another test of failing writes below, which needs no privilege.
        eprintln!("skipped: this user may not mount a disk of one megabyte");
        return;
    }
    let this = std::env::current_exe().expect("this program");
    let mut child = as_child(&mut wrap(&[this.as_os_str()]), "fill", folder.path());
    assert!(child.wait().expect("ended").success());
}

/// Where no file can be written, since none may be larger than a hundred blocks.
#[test]
fn a_failing_write_only_turns_writing_off() {
    let folder = folder();
    // The signal of a file that grows too large is ignored, so that writing fails instead.
    let script = r#"trap '' XFSZ; ulimit -f 200 && exec "$@""#;
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh"]).arg(std::env::current_exe().expect("this program"));
    let disk = open(folder.path());
    disk.put(b"small", "label", b"content");
    let mut child = as_child(&mut command, "limited", folder.path());
    assert!(child.wait().expect("ended").success());
}
