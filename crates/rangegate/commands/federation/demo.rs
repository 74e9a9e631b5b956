//! `demo two-stations`: keys, a contract, two stations and a centre as processes, and how good their picture is.

use super::args::{DemoCommand, DemoScene, TwoStationsArgs};
use crate::Outcome;
use crate::commands::print;
use anyhow::{Context, Result, bail};
use rangegate_contract::{KeyPair, Role, SignedContract};
use rangegate_core::Timestamp;
use rangegate_federation::centre::Clock;
use rangegate_federation::config::{CentreConfig, ExchangeConfig, MemberConfig, RadarConfig, StationConfig};
use rangegate_federation::site::SiteConfig;
use rangegate_federation::station::ShareConfig;
use rangegate_fusion::{
    AlertConfig, FusedTrack, FusionConfig, FusionReport, FusionScore, Placed, ReportConfig,
};
use rangegate_scene::plots::{PlotScene, PlotSceneConfig, PlotStationConfig};
use rangegate_sources::Speed;
use rangegate_tracking::{
    Geodetic, InitiationConfig, ModelConfig, PositionConfig, Space, StationConfig as Tracked, TrackingConfig,
};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// When the scenes begin.
const START_S: i64 = 1_800_000_000;
/// Owners of the first and of the second station.
const OWNERS: [&str; 2] = ["South", "North"];
/// Tracks need this long until they are confirmed: what is before does not count.
const SETTLED_S: f64 = 10.0;

/// Shows what there is.
///
/// # Errors
/// A process fails, or the folder cannot be written.
pub fn demo(command: &DemoCommand, quiet: bool) -> Result<Outcome> {
    let DemoCommand::TwoStations(args) = command;
    let temporary;
    let folder = match &args.out {
        Some(out) => {
            std::fs::create_dir_all(out).with_context(|| format!("cannot create {}", out.display()))?;
            if std::fs::read_dir(out)?.next().is_some() {
                bail!("{} is not empty: choose another folder", out.display());
            }
            out.canonicalize()?
        }
        None => {
            temporary = tempfile::tempdir().context("cannot make a folder for the demonstration")?;
            temporary.path().to_owned()
        }
    };
    let scenery = Scenery::new(args)?;
    let stage = Stage::set(args, &scenery, &folder)?;
    stage.play(quiet || args.json)?;
    let report = stage.report(&scenery, &folder)?;
    let text = if args.json { serde_json::to_string_pretty(&report)? + "\n" } else { report.text() };
    print(&text)?;
    Ok(Outcome::Done)
}

/// A scene, and how stations and centre look at it.
struct Scenery {
    config: PlotSceneConfig,
    fusion: FusionConfig,
    score: ReportConfig,
    space: Space,
    models: Vec<ModelConfig>,
}

impl Scenery {
    fn new(args: &TwoStationsArgs) -> Result<Self> {
        let text = match args.scene {
            DemoScene::Caucasus => include_str!("../../../../configs/two-stations/caucasus.toml"),
            DemoScene::Laboratory => include_str!("../../../../configs/two-stations/laboratory.toml"),
        };
        let mut config: PlotSceneConfig = toml::from_str(text)?;
        config.seed = args.seed;
        config.duration_s = args.duration.unwrap_or(config.duration_s).min(config.duration_s);
        Ok(match args.scene {
            DemoScene::Caucasus => Self {
                config,
                fusion: FusionConfig::default(),
                score: ReportConfig { cutoff_m: 20e3, order: 2.0, horizontal: false },
                space: Space::Earth,
                models: vec![
                    ModelConfig::NearlyConstantVelocity { acceleration_psd_m2ps3: 0.3, sojourn_s: 60.0 },
                    ModelConfig::FreeFlight { acceleration_psd_m2ps3: 1e-2, sojourn_s: 300.0 },
                    ModelConfig::FreeFlight { acceleration_psd_m2ps3: 300.0, sojourn_s: 10.0 },
                ],
            },
            DemoScene::Laboratory => {
                let mut fusion = FusionConfig { speed_max_mps: 320.0, ..FusionConfig::default() };
                fusion.height.mean_m = 1_500.0;
                fusion.height.sigma_m = 2_500.0;
                fusion.models = vec![
                    ModelConfig::NearlyConstantVelocity { acceleration_psd_m2ps3: 0.1, sojourn_s: 60.0 },
                    ModelConfig::NearlyConstantVelocity { acceleration_psd_m2ps3: 10.0, sojourn_s: 15.0 },
                    // Speed changes all at once at a way point.
                    ModelConfig::NearlyConstantVelocity { acceleration_psd_m2ps3: 1_000.0, sojourn_s: 2.0 },
                ];
                let score = ReportConfig { cutoff_m: 500.0, order: 2.0, horizontal: true };
                Self { config, fusion, score, space: Space::Plane, models: Vec::new() }
            }
        })
    }

    fn site(&self, index: usize) -> SiteConfig {
        let station: &PlotStationConfig = &self.config.station[index];
        let place = &station.position;
        SiteConfig {
            name: station.name.clone(),
            owner: OWNERS[index].to_owned(),
            sac: 250,
            sic: 1 + index as u8,
            position: Geodetic {
                latitude_deg: place.latitude_deg,
                longitude_deg: place.longitude_deg,
                height_m: place.height_m,
            },
            transmitter: None,
            less_baseline: false,
            coverage: station.coverage.clone(),
            accuracy: station.accuracy,
            detection_probability: 0.9,
            range_rate_max_mps: station.range_rate_max_mps,
            shares_detections: true,
            is_simulated: true,
        }
    }

    fn tracking(&self, index: usize) -> TrackingConfig {
        let station = &self.config.station[index];
        let place = PositionConfig {
            latitude_deg: Some(station.position.latitude_deg),
            longitude_deg: Some(station.position.longitude_deg),
            height_m: Some(station.position.height_m),
            ..PositionConfig::default()
        };
        let rate = station.range_rate_max_mps;
        TrackingConfig {
            space: self.space,
            origin: Some(place),
            models: self.models.clone(),
            stations: vec![Tracked {
                name: station.name.clone(),
                position: place,
                accuracy: station.accuracy,
                range_m: station.coverage.range_m,
                range_rate_mps: [-rate, rate],
                ..Tracked::default()
            }],
            initiation: InitiationConfig {
                speed_max_mps: self.fusion.speed_max_mps,
                ..InitiationConfig::default()
            },
            ..TrackingConfig::default()
        }
    }
}

/// The files of the demonstration.
struct Stage {
    stations: Vec<PathBuf>,
    centre: PathBuf,
    folder: PathBuf,
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

impl Stage {
    fn set(args: &TwoStationsArgs, scenery: &Scenery, folder: &Path) -> Result<Self> {
        let keys = folder.join("keys");
        std::fs::create_dir_all(&keys)?;
        let make = |name: &str, role: Role| -> Result<(PathBuf, KeyPair)> {
            let path = keys.join(format!("{name}.seed"));
            let key = KeyPair::generate(role)?;
            key.write(&path)?;
            Ok((path, key))
        };
        let scene = folder.join("scene.toml");
        write(&scene, &toml::to_string(&scenery.config)?)?;
        let (centre_seed, centre_key) = make("centre", Role::Machine)?;
        let exchange = |key: PathBuf| ExchangeConfig {
            at: folder.join("mailboxes").display().to_string(),
            key,
            login: None,
            ca: None,
        };
        let address = |offset: u16| {
            args.serve.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port.saturating_add(offset))))
        };
        let coverage_file =
            args.coverage.as_deref().map(Path::canonicalize).transpose().context("--coverage")?;
        let speed = match args.speed {
            Speed::Max => None,
            Speed::Factor(factor) => Some(factor),
        };
        let (mut stations, mut members, mut owners) = (Vec::new(), Vec::new(), Vec::new());
        for (index, owner) in OWNERS.iter().enumerate() {
            let site = scenery.site(index);
            let (seed, key) = make(&site.name, Role::Machine)?;
            let (_, owner_key) = make(owner, Role::Owner)?;
            let path = folder.join(format!("{}.toml", site.name));
            let config = StationConfig {
                exchange: exchange(seed),
                centre_key: centre_key.public().to_string(),
                share: ShareConfig::default(),
                radar: RadarConfig {
                    plots: Some(scene.clone()),
                    start_time: Some(Timestamp::from_second(START_S)?),
                    speed,
                    ..RadarConfig::default()
                },
                tracking: Some(scenery.tracking(index)),
                folder: folder.join(&site.name),
                serve: address(1 + index as u16),
                coverage_file: coverage_file.clone(),
                site: site.clone(),
            };
            write(&path, &toml::to_string(&config)?)?;
            stations.push(path);
            members.push(MemberConfig { site, key: key.public().to_string(), revoked: None, login: None });
            owners.push(owner_key);
        }
        let contract_path = folder.join("contract.toml");
        write(&contract_path, &contract(&members, &owners)?)?;
        let config = CentreConfig {
            name: "centre".to_owned(),
            sac: 250,
            sic: 100,
            exchange: exchange(centre_seed),
            stations: members,
            owners: OWNERS
                .iter()
                .zip(&owners)
                .map(|(owner, key)| ((*owner).to_owned(), key.public().to_string()))
                .collect(),
            contracts: vec![contract_path],
            clock: Clock::Reports,
            fusion: scenery.fusion.clone(),
            alerts: AlertConfig::default(),
            webhook: None,
            folder: folder.join("centre"),
            serve: address(0),
            coverage_file,
        };
        let centre = folder.join("centre.toml");
        write(&centre, &toml::to_string(&config)?)?;
        Ok(Self { stations, centre, folder: folder.to_owned() })
    }

    /// Runs all processes to their ends.
    fn play(&self, quiet: bool) -> Result<()> {
        let program = std::env::current_exe().context("cannot find this program")?;
        let start = |what: &str, config: &Path| -> Result<Child> {
            let log =
                self.folder.join(format!("{}.log", config.file_stem().unwrap_or_default().to_string_lossy()));
            let log =
                std::fs::File::create(&log).with_context(|| format!("cannot create {}", log.display()))?;
            let mut command = Command::new(&program);
            command.arg(what).arg(config).stdin(Stdio::null()).stdout(log.try_clone()?);
            if what == "centre" {
                command.arg("--until-ended");
            }
            // Who watches is told where the web views are.
            let loud = if quiet { Stdio::from(log) } else { Stdio::inherit() };
            command.stderr(loud);
            command.spawn().with_context(|| format!("cannot start {}", program.display()))
        };
        let mut children = Children(Vec::new());
        for config in &self.stations {
            children.0.push((config.clone(), start("station", config)?));
        }
        children.0.push((self.centre.clone(), start("centre", &self.centre)?));
        children.wait(&self.folder)
    }

    fn report(&self, scenery: &Scenery, folder: &Path) -> Result<DemoReport> {
        let scene = PlotScene::new(&scenery.config)?;
        let mut fused: BTreeMap<u64, Vec<Placed>> = BTreeMap::new();
        let mut first_seen = 0;
        each_line(&folder.join("centre/fused.jsonl"), |track: FusedTrack| {
            first_seen += u64::from(track.is_first);
            if !track.is_last && track.time.subsec_nanosecond() == 0 {
                let second = (track.time.as_second() - START_S).max(0) as u64;
                let position_m = [track.state[0], track.state[1], track.state[2]];
                fused.entry(second).or_default().push(Placed { id: track.id, position_m });
            }
        })?;
        let mut own = Vec::new();
        for station in &scenery.config.station {
            let mut seconds = BTreeMap::new();
            each_line(&folder.join(&station.name).join("picture.jsonl"), |picture: Picture| {
                let placed = |&(id, position_m): &(u64, [f64; 3])| Placed { id, position_m };
                seconds.insert(picture.second, picture.tracks.iter().map(placed).collect::<Vec<_>>());
            })?;
            own.push(seconds);
        }
        let mut score = FusionScore::new(&scenery.score);
        let none = Vec::new();
        let mut second = SETTLED_S as u64;
        while (second as f64) < scenery.config.duration_s {
            let time_s = second as f64;
            let truth: Vec<Placed> = scene
                .truth(time_s)
                .iter()
                .map(|of| Placed {
                    id: of.target as u64,
                    position_m: [of.state[0], of.state[1], of.state[2]],
                })
                .collect();
            let alone: Vec<(&str, &[Placed])> = scenery
                .config
                .station
                .iter()
                .zip(&own)
                .map(|(station, own)| (station.name.as_str(), own.get(&second).unwrap_or(&none).as_slice()))
                .collect();
            let seen_by = |at: &[f64; 3]| (0..own.len()).filter(|&station| scene.sees(station, at)).count();
            score.add(time_s, &truth, fused.get(&second).unwrap_or(&none), &alone, seen_by);
            second += 1;
        }
        let centre: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(folder.join("centre/report.json"))?)?;
        Ok(DemoReport {
            score: score.report(),
            duration_s: scenery.config.duration_s,
            targets: scenery.config.target.len(),
            objects: first_seen,
            exchange: centre,
        })
    }
}

/// What both give each other, signed by both.
fn contract(members: &[MemberConfig], owners: &[KeyPair]) -> Result<String> {
    let mut text = String::from(
        "name = \"two-stations\"\nversion = 1\nfrom = \"2000-01-01T00:00:00Z\"\nuntil = \"2090-01-01T00:00:00Z\"\n",
    );
    for (member, key) in members.iter().zip(owners) {
        let SiteConfig { owner, name, .. } = &member.site;
        text += &format!(
            "\n[[party]]\nowner = {owner:?}\nkey = \"{}\"\nstations = [{name:?}]\n\n[[gives]]\nowner = {owner:?}\n\
             kinds = [\"detections\", \"tracks\", \"health\", \"site\", \"coverage\", \"fused\", \"alerts\"]\n",
            key.public()
        );
    }
    text += "\n[mutuality]\nkinds = [\"detections\", \"tracks\", \"health\"]\nwindow_s = 60\ngrace_s = 60\n";
    for key in owners {
        text = SignedContract::sign(&text, key)?;
    }
    Ok(text)
}

/// Processes that were started; those that still run are ended with this one.
struct Children(Vec<(PathBuf, Child)>);

impl Children {
    fn wait(&mut self, folder: &Path) -> Result<()> {
        while !self.0.is_empty() {
            let mut index = 0;
            while index < self.0.len() {
                let (config, child) = &mut self.0[index];
                match child.try_wait()? {
                    Some(status) if status.success() => drop(self.0.remove(index)),
                    Some(status) => {
                        let name = config.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                        let log =
                            std::fs::read_to_string(folder.join(format!("{name}.log"))).unwrap_or_default();
                        bail!("{name} ended with {status}\n{}", log.trim_end());
                    }
                    None => index += 1,
                }
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for Children {
    fn drop(&mut self) {
        for (_, child) in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A line of `picture.jsonl`.
#[derive(serde::Deserialize)]
struct Picture {
    second: u64,
    tracks: Vec<(u64, [f64; 3])>,
}

fn each_line<T: serde::de::DeserializeOwned>(path: &Path, mut each: impl FnMut(T)) -> Result<()> {
    let file = std::fs::File::open(path).with_context(|| path.display().to_string())?;
    for (number, line) in BufReader::new(file).lines().enumerate() {
        let line = serde_json::from_str(&line?);
        each(line.with_context(|| format!("{}: line {}", path.display(), number + 1))?);
    }
    Ok(())
}

/// How good the picture is.
#[derive(Serialize)]
struct DemoReport {
    #[serde(flatten)]
    score: FusionReport,
    duration_s: f64,
    targets: usize,
    /// Objects of the common picture.
    objects: u64,
    /// What the centre says of itself.
    exchange: serde_json::Value,
}

impl DemoReport {
    fn text(&self) -> String {
        use std::fmt::Write as _;
        let Self { score, duration_s, targets, objects, .. } = self;
        let mut text = format!("{targets} targets, {duration_s:.0} s\n\nmean GOSPA over the joint area\n");
        for (name, metres) in &score.gospa_m.stations {
            let _ = writeln!(text, "  {name:<16}{metres:12.0} m");
        }
        let _ = writeln!(
            text,
            "  {:<16}{:12.0} m   {:.0} % better than the better station",
            "together",
            score.gospa_m.fused,
            100.0 * score.improvement
        );
        let _ = writeln!(
            text,
            "\n{objects} objects in the common picture, {} identities changed; {} tracks of nothing, where both see {:.0} s at most",
            score.identity_switches, score.ghosts, score.longest_ghost_s
        );
        text
    }
}
