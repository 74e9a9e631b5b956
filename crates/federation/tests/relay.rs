//! Relays between mailboxes in files: what is agreed arrives once and in order, and nothing else; whatever is stopped
//! in between.

use rangegate_contract::registry::Tables;
use rangegate_contract::{
    AuditBook, KeyPair, Registry, Revocation, Role, SignedContract, StationEntry, audit, sign_message,
};
use rangegate_core::{AntennaCoverage, Timestamp};
use rangegate_engine::sqlite::SqliteOptions;
use rangegate_engine::{Exchange, Message, Sqlite, Start};
use rangegate_federation::centre::{Clock, wall_clock};
use rangegate_federation::mailbox::{FROM, TO};
use rangegate_federation::message::{Kind, Voice};
use rangegate_federation::outbox::Outbox;
use rangegate_federation::relay::{Authority, Passed, Relay};
use rangegate_federation::site::SiteConfig;
use rangegate_federation::station::{Listener, ShareConfig, Speaker};
use rangegate_pipeline::Stop;
use rangegate_tracking::{Accuracy, Geodetic, Measurement};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const OWNERS: [&str; 2] = ["South", "North"];
const STATIONS: [&str; 2] = ["south-1", "north-1"];

struct World {
    folder: tempfile::TempDir,
    centre: Arc<KeyPair>,
    keys: [Arc<KeyPair>; 2],
    owners: [KeyPair; 2],
    mailboxes: [Arc<dyn Exchange>; 2],
}

fn site(index: usize) -> SiteConfig {
    SiteConfig {
        name: STATIONS[index].to_owned(),
        owner: OWNERS[index].to_owned(),
        sac: 1,
        sic: 1 + index as u8,
        position: Geodetic { latitude_deg: 48.0 + index as f64, longitude_deg: 11.0, height_m: 500.0 },
        transmitter: None,
        less_baseline: false,
        coverage: AntennaCoverage::default(),
        accuracy: Accuracy::default(),
        detection_probability: 0.9,
        range_rate_max_mps: 1000.0,
        shares_detections: true,
        is_simulated: true,
    }
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = |role| KeyPair::generate(role).unwrap();
        let mailbox = |name: &str| -> Arc<dyn Exchange> {
            Arc::new(Sqlite::open(&folder.path().join(name), SqliteOptions::default()).unwrap())
        };
        let mailboxes = [mailbox("south"), mailbox("north")];
        let keys = [Arc::new(key(Role::Machine)), Arc::new(key(Role::Machine))];
        let owners = [key(Role::Owner), key(Role::Owner)];
        Self { folder, centre: Arc::new(key(Role::Machine)), keys, owners, mailboxes }
    }

    /// A contract with these terms behind its parties, signed by both.
    fn contract(&self, terms: &str) -> SignedContract {
        let mut text = "name = \"test\"\nversion = 1\nfrom = \"2000-01-01T00:00:00Z\"\nuntil = \"2090-01-01T00:00:00Z\"\n".to_owned();
        for (index, key) in self.owners.iter().enumerate() {
            let (owner, station) = (OWNERS[index], STATIONS[index]);
            text += &format!(
                "[[party]]\nowner = {owner:?}\nkey = \"{}\"\nstations = [{station:?}]\n",
                key.public()
            );
        }
        text += terms;
        for key in &self.owners {
            text = SignedContract::sign(&text, key).unwrap();
        }
        SignedContract::parse(&text).unwrap()
    }

    fn registry(&self, revoked: bool) -> Registry {
        let mut tables = Tables::default();
        for index in 0..2 {
            tables.owners.insert(OWNERS[index].to_owned(), self.owners[index].public().clone());
            let key = self.keys[index].public().clone();
            let entry = StationEntry { owner: OWNERS[index].to_owned(), key, sac: 1, sic: 1 + index as u8 };
            tables.stations.insert(STATIONS[index].to_owned(), entry);
        }
        if revoked {
            let revocation = Revocation { at: Timestamp::UNIX_EPOCH, reason: "stolen".to_owned() };
            tables.revoked.insert(self.keys[0].public().clone(), revocation);
        }
        Registry::new(tables).unwrap()
    }

    fn audit(&self) -> std::path::PathBuf {
        self.folder.path().join("audit")
    }

    fn authority(&self, registry: Registry, contract: &SignedContract) -> Arc<Mutex<Authority>> {
        let (book, _) =
            AuditBook::open(&self.audit(), &OWNERS, Arc::clone(&self.centre), wall_clock()).unwrap();
        let contracts = std::slice::from_ref(contract);
        let folder = self.folder.path();
        Arc::new(Mutex::new(Authority::open(folder, registry, contracts, book, Clock::Wall).unwrap()))
    }

    fn relay(&self, from: usize, to: usize, authority: &Arc<Mutex<Authority>>) -> Relay {
        let end = |index: usize| (site(index), Arc::clone(&self.mailboxes[index]));
        Relay::new(end(from), end(to), Arc::clone(authority), Arc::clone(&self.centre))
    }

    fn voice(&self, index: usize, boot: u64) -> Voice {
        Voice::new(STATIONS[index], Arc::clone(&self.keys[index]), boot, 0)
    }

    fn speaker(&self, index: usize, boot: u64) -> Speaker {
        let outbox = Arc::new(Outbox::Direct(Arc::clone(&self.mailboxes[index])));
        let share = ShareConfig { tracks: false, coverage: false, ..ShareConfig::default() };
        Speaker::new(site(index), share, self.voice(index, boot), outbox)
    }

    /// Runs relays until a condition holds. What it does not come to in two minutes it never will.
    fn relay_until(&self, relays: Vec<Relay>, mut done: impl FnMut() -> bool) -> Vec<Passed> {
        let stop = Stop::new();
        std::thread::scope(|scope| {
            let stop = &stop;
            let threads: Vec<_> =
                relays.into_iter().map(|relay| scope.spawn(move || relay.run(stop).unwrap())).collect();
            let began = Instant::now();
            while !done() {
                if began.elapsed() > Duration::from_secs(120) {
                    stop.set();
                    panic!("two minutes, and it is not done");
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            stop.set();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        })
    }

    /// Ids and subjects of all that a station could hear.
    fn arrived(&self, index: usize, cursor: &str) -> Vec<Message> {
        let mut subscription = self.mailboxes[index].subscribe(TO, cursor, Start::First).unwrap();
        let mut all = Vec::new();
        loop {
            let next = subscription.next(1000, Duration::ZERO).unwrap();
            let Some(last) = next.last() else { return all };
            let last = last.sequence;
            all.extend(next.into_iter().map(|delivered| delivered.message));
            subscription.acknowledge(last).unwrap();
        }
    }
}

fn plot(k: u64) -> (u64, Measurement) {
    let measurement = Measurement {
        id: k,
        range_m: Some(10e3 + k as f64),
        azimuth_deg: Some(90.0),
        elevation_deg: Some(5.0),
        snr_db: if k.is_multiple_of(2) { 20.0 } else { 5.0 },
        ..Measurement::default()
    };
    (k, measurement)
}

const GIVES: &str = "
[[gives]]
owner = \"South\"
kinds = [\"detections\"]
quality = { min_snr_db = 10.0 }
[[gives]]
owner = \"South\"
kinds = [\"health\"]
[[gives]]
owner = \"North\"
kinds = [\"health\"]
";

#[test]
fn what_is_agreed_arrives_once_in_order_and_signed_by_the_centre_however_often_the_relay_is_stopped() {
    let world = World::new();
    let contract = world.contract(GIVES);
    let mut speaker = world.speaker(0, 1);
    let now = wall_clock();
    let mut said = 0;
    for round in 0..5 {
        for _ in 0..100 {
            speaker.scan(now, &[plot(2 * said), plot(2 * said + 1)]).unwrap();
            said += 1;
        }
        // Each round a new relay and a new judge, as after a crash.
        let authority = world.authority(world.registry(false), &contract);
        let relays = vec![world.relay(0, 1, &authority)];
        let cursor = format!("look-{round}");
        world.relay_until(relays, || {
            world.arrived(1, &cursor).len() == 100 * (round + 1) + 1 || {
                // The cursor is past what it saw: count from the first each time.
                world.mailboxes[1].forget(TO, &cursor).unwrap();
                false
            }
        });
        authority.lock().unwrap().note(true).unwrap();
    }
    let mailbox = &world.mailboxes[1];
    let mut listener = Listener::new(mailbox, world.centre.public().clone()).unwrap();
    let (heard, _) = listener.next(1000, Duration::ZERO).unwrap();
    assert_eq!(listener.refused(), 0);
    assert_eq!(heard.iter().filter(|one| one.kind == Kind::Health).count(), 1);
    let scans: Vec<_> = heard.iter().filter(|one| one.kind == Kind::Detections).collect();
    assert_eq!(scans.len(), 500);
    let mut before = None;
    for (k, scan) in scans.iter().enumerate() {
        assert_eq!((scan.origin.as_str(), scan.envelope.boot), ("south-1", 1));
        assert!(Some(scan.envelope.sequence) > before);
        before = Some(scan.envelope.sequence);
        // Of two detections the weaker stays.
        let ranges: Vec<f64> = scan.records().map(|record| record.quantity("625/R").unwrap()).collect();
        assert_eq!(ranges.len(), 1);
        assert!((ranges[0] - (10e3 + 2.0 * k as f64)).abs() < 0.1, "{ranges:?} {k}");
    }
    // Without the centre's signature nothing is heard.
    let other = KeyPair::generate(Role::Machine).unwrap();
    let mut deaf = Listener::new(mailbox, other.public().clone()).unwrap();
    assert!(deaf.next(1000, Duration::ZERO).unwrap().0.is_empty());
    check_logs(&world);
}

fn check_logs(world: &World) {
    let paths = OWNERS.map(|owner| world.audit().join(format!("{owner}.jsonl")));
    let key = world.centre.public();
    for path in &paths {
        audit::verify(path, key).unwrap();
    }
    let agreement = audit::compare(&paths[0], &paths[1], key).unwrap();
    assert!(
        matches!(agreement, audit::Agreement::Agree { only_first: 0, only_second: 0, .. }),
        "{agreement:?}"
    );
    // One altered octet is found.
    let mut octets = std::fs::read(&paths[0]).unwrap();
    let at = octets.len() / 2;
    octets[at] ^= 1;
    let altered = world.audit().join("altered.jsonl");
    std::fs::write(&altered, octets).unwrap();
    assert!(audit::verify(&altered, key).is_err());
}

fn log_of(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn what_is_forged_replayed_or_of_a_revoked_key_is_refused_and_logged() {
    let world = World::new();
    let contract = world.contract(GIVES);
    let now = wall_clock();
    let mut voice = world.voice(0, 7);
    let say = |voice: &mut Voice| {
        let document = voice.document(Kind::Coverage, now, "{}".to_owned()).unwrap();
        Message { subject: "health".to_owned(), ..document }
    };
    let good = say(&mut voice);
    let mut altered = say(&mut voice);
    altered.payload[45] ^= 1;
    // The same octets under another number.
    let replayed = Message { id: "south-1/7/99".to_owned(), ..good.clone() };
    let mut forger = Voice::new(STATIONS[0], Arc::new(KeyPair::generate(Role::Machine).unwrap()), 8, 0);
    let forged = say(&mut forger);
    // A boot that another followed.
    let mut later = world.voice(0, 9);
    let later = say(&mut later);
    let mut stale = say(&mut voice);
    stale.id = "south-1/7/2".to_owned();
    // Another station's, in this mailbox.
    let key = Arc::clone(&world.keys[1]);
    let strange = Message {
        id: "south-1/10/0".to_owned(),
        payload: sign_message("north-1", &key, &[0; 40]),
        ..good.clone()
    };
    for message in [&good, &altered, &replayed, &forged, &later, &stale, &strange] {
        world.mailboxes[0].publish(FROM, std::slice::from_ref(message)).unwrap();
    }
    let authority = world.authority(world.registry(false), &contract);
    let mut ids = Vec::new();
    let passed = world.relay_until(vec![world.relay(0, 1, &authority)], || {
        ids.extend(world.arrived(1, "look").into_iter().map(|message| message.id));
        ids.len() == 2
    });
    assert_eq!(ids, ["south-1/7/0", "south-1/9/0"]);
    assert_eq!(passed[0].messages, 2);
    authority.lock().unwrap().note(true).unwrap();
    drop(authority);

    // With the key revoked nothing is let in any more.
    let authority = world.authority(world.registry(true), &contract);
    let mut voice = world.voice(0, 11);
    world.mailboxes[0].publish(FROM, &[say(&mut voice)]).unwrap();
    let refused = authority.lock().unwrap().open_message(&site(0), &say(&mut voice), None);
    let refusal = refused.unwrap_err();
    assert!(refusal.to_string().contains("stolen"), "{refusal}");
    authority.lock().unwrap().refused(&site(0), &good, &refusal);
    authority.lock().unwrap().note(true).unwrap();
    assert!(log_of(&world.audit().join("South.jsonl")).contains("revoked"));
    check_logs(&world);
}

#[test]
fn who_stops_giving_gets_nothing_after_the_grace_and_again_by_itself() {
    let world = World::new();
    let terms =
        format!("{GIVES}[mutuality]\nkinds = [\"health\", \"detections\"]\nwindow_s = 0.5\ngrace_s = 1.0\n");
    let contract = world.contract(&terms);
    let authority = world.authority(world.registry(false), &contract);
    let (mut south, mut north) = (world.voice(0, 1), world.voice(1, 1));
    let give = |index: usize, voice: &mut Voice| {
        let document = voice.document(Kind::Coverage, wall_clock(), "{}".to_owned()).unwrap();
        let message = Message { subject: "health".to_owned(), ..document };
        world.mailboxes[index].publish(FROM, &[message]).unwrap();
    };
    let flows = |authority: &Arc<Mutex<Authority>>| {
        let balance = authority.lock().unwrap().balance();
        balance[0].sides.iter().find(|side| side.owner == "North").unwrap().is_flowing
    };
    let relays = vec![world.relay(0, 1, &authority), world.relay(1, 0, &authority)];
    let mut phase = 0;
    let mut n_at_stop = 0;
    world.relay_until(relays, || {
        give(0, &mut south);
        match phase {
            // Both give; then North falls silent until nothing flows to it; then it gives again.
            0 => {
                give(1, &mut north);
                if !world.arrived(1, "look").is_empty() {
                    phase = 1;
                }
            }
            1 if !flows(&authority) => phase = 2,
            2 => {
                world.arrived(1, "look");
                std::thread::sleep(Duration::from_millis(300));
                n_at_stop = world.arrived(1, "look").len();
                phase = 3;
            }
            3 => {
                give(1, &mut north);
                return flows(&authority) && !world.arrived(1, "look").is_empty();
            }
            _ => {}
        }
        false
    });
    assert_eq!(n_at_stop, 0, "what was given while nothing flowed");
    authority.lock().unwrap().note(true).unwrap();
    for owner in OWNERS {
        let log = log_of(&world.audit().join(format!("{owner}.jsonl")));
        assert!(log.contains("flow_stopped") && log.contains("flow_resumed"), "{owner}");
    }
    check_logs(&world);
}

#[test]
fn one_at_a_hundred_times_its_rate_does_not_slow_the_other() {
    let world = World::new();
    let terms = format!("{GIVES}[[gives]]\nowner = \"North\"\nkinds = [\"detections\"]\n");
    let contract = world.contract(&terms);
    let authority = world.authority(world.registry(false), &contract);
    let (mut south, mut north) = (world.voice(0, 1), world.voice(1, 1));
    let give = |index: usize, voice: &mut Voice, n: usize| {
        let one = |_| Message {
            subject: "health".to_owned(),
            ..voice.document(Kind::Coverage, wall_clock(), "{}".to_owned()).unwrap()
        };
        let messages: Vec<Message> = (0..n).map(one).collect();
        world.mailboxes[index].publish(FROM, &messages).unwrap();
    };
    // A backlog from before, and the flood goes on for as long as the other has not all that it is given.
    let n = 50;
    give(0, &mut south, 100 * n);
    let (mut given, mut got) = (0, 0);
    let relays = vec![world.relay(0, 1, &authority), world.relay(1, 0, &authority)];
    let passed = world.relay_until(relays, || {
        give(0, &mut south, 100);
        if given < n {
            give(1, &mut north, 1);
            given += 1;
        }
        got += world.arrived(0, "look").len();
        got == n
    });
    assert_eq!(passed[1].messages, n as u64);
}
