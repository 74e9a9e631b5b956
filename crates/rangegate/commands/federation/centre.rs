//! `centre`: what stations give goes on as the contract says, and one picture is made of it.

use super::args::CentreArgs;
use super::keys::read_contract;
use super::outputs::{Archives, Lines, detections_of, fused_line, shown_number, track_lines};
use super::{boot, secret};
use crate::Outcome;
use crate::commands::print;
use crate::commands::run::stop_on_interrupt;
use anyhow::{Context, Result};
#[cfg(feature = "web")]
use rangegate_contract::Balance;
use rangegate_contract::registry::Tables;
use rangegate_contract::{AuditBook, KeyPair, PublicKey, Registry, Revocation, StationEntry};
use rangegate_core::Timestamp;
use rangegate_exchange::asterix::report::DataSource;
use rangegate_federation::centre::{Centre, Done, Member, Sink, wall_clock};
use rangegate_federation::config::CentreConfig;
use rangegate_federation::mailbox::Post;
use rangegate_federation::message::{Heard, Kind, Voice};
use rangegate_federation::relay::{Authority, Passed, Relay};
use rangegate_federation::reports::{ForFusion, target_reports};
use rangegate_federation::site::SiteConfig;
use rangegate_fusion::{Alert, AlertWatch, FusedTrack, Fuser, Why};
use rangegate_pipeline::Stop;
use serde_json::{Map, Value, json};
use std::sync::{Arc, Mutex, PoisonError};

/// Runs a centre until it is interrupted, or all stations have ended.
///
/// # Errors
/// The configuration cannot be, the contract is not signed, or a mailbox or the disk cannot be used.
pub fn centre(args: &CentreArgs, quiet: bool) -> Result<Outcome> {
    let config = CentreConfig::load(&args.config)?;
    if let Some(folder) = &args.make_server {
        return super::server::make(args, &config, folder);
    }
    let stop = stop_on_interrupt();
    std::fs::create_dir_all(&config.folder)
        .with_context(|| format!("cannot create {}", config.folder.display()))?;
    let key = secret(&config.exchange.key)?;
    let authority = Arc::new(Mutex::new(authority(&config, &key)?));
    let members = members(&config)?;
    let mut sink = Outputs::open(args, &config, &authority, quiet)?;
    let (done, passed, fuser) =
        work(&config, &members, &authority, &key, &mut sink, &stop, args.until_ended)?;
    let mut authority = authority.lock().unwrap_or_else(PoisonError::into_inner);
    authority.note(true)?;
    let report = json!({
        "centre": done,
        "relays": passed,
        "balance": authority.balance(),
        "biases": fuser.biases(),
        "not_fused": { "late": fuser.counts().late, "unknown": fuser.counts().unknown, "refused": fuser.counts().refused },
    });
    sink.finish()?;
    let path = config.folder.join("report.json");
    std::fs::write(&path, serde_json::to_string_pretty(&report)? + "\n")
        .with_context(|| format!("cannot write {}", path.display()))?;
    if !quiet {
        let Done { messages, refused, pictures, alerts, .. } = done;
        print(&format!("{messages} messages, {refused} refused; {pictures} pictures, {alerts} alerts\n"))?;
    }
    Ok(if done.refused > 0 { Outcome::Differs } else { Outcome::Done })
}

fn registry(config: &CentreConfig) -> Result<Registry> {
    let mut tables = Tables::default();
    for (owner, key) in &config.owners {
        let key = PublicKey::parse(key).with_context(|| format!("owners.{owner}"))?;
        tables.owners.insert(owner.clone(), key);
    }
    for member in &config.stations {
        let site = &member.site;
        let key = PublicKey::parse(&member.key).with_context(|| format!("station {:?}", site.name))?;
        if let Some(revoked) = &member.revoked {
            let revocation = Revocation { at: revoked.since, reason: revoked.reason.clone() };
            tables.revoked.insert(key.clone(), revocation);
        }
        let entry = StationEntry { owner: site.owner.clone(), key, sac: site.sac, sic: site.sic };
        tables.stations.insert(site.name.clone(), entry);
    }
    Ok(Registry::new(tables)?)
}

fn authority(config: &CentreConfig, key: &Arc<KeyPair>) -> Result<Authority> {
    let contracts = config.contracts.iter().map(|path| read_contract(path)).collect::<Result<Vec<_>>>()?;
    let owners: Vec<&str> = config.owners.keys().map(String::as_str).collect();
    let (book, repairs) =
        AuditBook::open(&config.folder.join("audit"), &owners, Arc::clone(key), wall_clock())?;
    for repair in repairs {
        tracing::warn!("audit log put right: {repair:?}");
    }
    Ok(Authority::open(&config.folder, registry(config)?, &contracts, book, config.clock)?)
}

fn members(config: &CentreConfig) -> Result<Vec<Member>> {
    let post = Post::new(&config.exchange.at, config.exchange.ca.as_deref())?;
    let one = |member: &rangegate_federation::config::MemberConfig| -> Result<Member> {
        let login = member.login.as_deref().unwrap_or(config.exchange.login());
        let mailbox = post.open(&member.site.name, login, true);
        let mailbox = mailbox.with_context(|| format!("the mailbox of {:?}", member.site.name))?;
        Ok(Member { site: member.site.clone(), mailbox })
    };
    config.stations.iter().map(one).collect()
}

/// What passed from one station to another.
#[derive(serde::Serialize)]
struct PassedOn {
    from: String,
    to: String,
    #[serde(flatten)]
    passed: Passed,
}

fn work(
    config: &CentreConfig,
    members: &[Member],
    authority: &Arc<Mutex<Authority>>,
    key: &Arc<KeyPair>,
    sink: &mut Outputs,
    stop: &Stop,
    until_ended: bool,
) -> Result<(Done, Vec<PassedOn>, Fuser)> {
    let sites: Vec<_> = members.iter().map(|member| member.site.info()).collect();
    let fuser = Fuser::new(&config.fusion, &sites)?;
    let watch = AlertWatch::new(&config.alerts);
    let boot = boot();
    let version = |member: &Member| {
        authority.lock().unwrap_or_else(PoisonError::into_inner).contract_version(&member.site.name)
    };
    let voice = |member| Voice::new("centre", Arc::clone(key), boot, version(member));
    let voices = members.iter().map(voice).collect();
    let source = DataSource { sac: config.sac, sic: config.sic };
    let (clock, shared) = (config.clock, Arc::clone(authority));
    let centre = Centre::new(members, shared, fuser, watch, clock, source, voices);
    let relays_stop = Stop::new();
    std::thread::scope(|scope| {
        let mut relays = Vec::new();
        for from in members {
            for to in members.iter().filter(|to| to.site.name != from.site.name) {
                let pair = |of: &Member| (of.site.clone(), Arc::clone(&of.mailbox));
                let relay = Relay::new(pair(from), pair(to), Arc::clone(authority), Arc::clone(key));
                let names = (from.site.name.clone(), to.site.name.clone());
                let relays_stop = &relays_stop;
                relays.push((
                    names,
                    scope.spawn(move || {
                        let ended = relay.run(relays_stop);
                        // Without a relay the centre would go on as if all were well.
                        if ended.is_err() {
                            stop.set();
                        }
                        ended
                    }),
                ));
            }
        }
        let ran = centre.run(sink, stop, until_ended);
        relays_stop.set();
        let mut passed = Vec::new();
        for ((from, to), relay) in relays {
            let ended = relay.join().map_err(|_| anyhow::anyhow!("a relay panicked"))?;
            passed.push(PassedOn { from, to, passed: ended? });
        }
        let (done, fuser) = ran?;
        Ok((done, passed, fuser))
    })
}

/// What the centre leaves.
struct Outputs {
    fused: Lines,
    alerts: Lines,
    associations: Lines,
    archive: Archives,
    sites: Vec<SiteConfig>,
    authority: Arc<Mutex<Authority>>,
    webhook: Option<super::webhook::Webhook>,
    #[cfg(feature = "web")]
    view: Option<(Arc<crate::serving::Federated>, rangegate_web::Server)>,
}

impl Outputs {
    fn open(
        args: &CentreArgs,
        config: &CentreConfig,
        authority: &Arc<Mutex<Authority>>,
        quiet: bool,
    ) -> Result<Self> {
        let file = |name: &str| Lines::create(&config.folder.join(name));
        let sites: Vec<SiteConfig> = config.stations.iter().map(|member| member.site.clone()).collect();
        #[cfg(feature = "web")]
        let view = show(args, config, &sites, quiet)?;
        #[cfg(not(feature = "web"))]
        if args.serve.or(config.serve).is_some() {
            let _ = quiet;
            anyhow::bail!(crate::commands::NO_WEB);
        }
        Ok(Self {
            fused: file("fused.jsonl")?,
            alerts: file("alerts.jsonl")?,
            associations: file("associations.jsonl")?,
            archive: Archives::new(&config.folder.join("archive")),
            sites,
            authority: Arc::clone(authority),
            webhook: config.webhook.as_deref().map(super::webhook::Webhook::new).transpose()?,
            #[cfg(feature = "web")]
            view,
        })
    }

    fn finish(mut self) -> Result<()> {
        self.fused.flush()?;
        self.alerts.flush()?;
        self.associations.flush()?;
        if let Some(webhook) = self.webhook {
            webhook.finish();
        }
        self.archive.finish()
    }

    fn keep_heard(&mut self, site: &SiteConfig, heard: &Heard) -> Result<()> {
        if !matches!(heard.kind, Kind::Detections | Kind::Tracks) {
            return Ok(());
        }
        let reports = target_reports(heard, site)?;
        let detections = detections_of(heard, site, &reports);
        for detection in &detections {
            self.archive.detection(&site.owner, &site.name, detection)?;
        }
        let place = 1 + self.sites.iter().position(|of| of.name == site.name).unwrap_or(0);
        let lines = match heard.kind {
            Kind::Tracks => track_lines(heard, site, &reports, |number| shown_number(place, number)),
            _ => Vec::new(),
        };
        for line in &lines {
            self.archive.track(&site.owner, &site.name, heard.envelope.time, line)?;
        }
        #[cfg(feature = "web")]
        if let Some((view, _)) = &self.view {
            let marked = |detection| {
                let mut item = object(json!(detection));
                item.insert("owner".to_owned(), site.owner.as_str().into());
                item.insert("station".to_owned(), site.name.as_str().into());
                item
            };
            view.detections(heard.envelope.time, detections.iter().map(marked).collect());
            view.tracks(heard.envelope.time, lines);
        }
        Ok(())
    }

    fn keep_fused(&mut self, picture: &[FusedTrack]) -> Result<()> {
        let mut lines = Vec::with_capacity(picture.len());
        for track in picture {
            self.fused.write(track)?;
            let line = fused_line(track);
            self.archive.track("centre", "centre", track.time, &line)?;
            lines.push(line);
        }
        #[cfg(feature = "web")]
        if let (Some((view, _)), Some(first)) = (&self.view, picture.first()) {
            view.tracks(first.time, lines);
        }
        Ok(())
    }

    fn keep_alerts(&mut self, alerts: &[Alert]) -> Result<()> {
        for alert in alerts {
            tracing::warn!("{}", alert.text);
            self.alerts.write(alert)?;
            #[cfg(feature = "web")]
            if let Some((view, _)) = &self.view {
                view.alert(&json!(alert));
            }
            if let Some(webhook) = &self.webhook {
                webhook.post(alert);
            }
        }
        self.alerts.flush()
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` calls")]
fn other(error: anyhow::Error) -> rangegate_federation::Error {
    rangegate_federation::Error::Other(format!("{error:#}"))
}

impl Sink for Outputs {
    fn heard(
        &mut self,
        site: &SiteConfig,
        heard: &Heard,
        _: &[ForFusion],
    ) -> rangegate_federation::Result<()> {
        self.keep_heard(site, heard).map_err(other)
    }

    fn fused(&mut self, picture: &[FusedTrack]) -> rangegate_federation::Result<()> {
        self.keep_fused(picture).map_err(other)
    }

    fn compared(&mut self, time: Timestamp, why: &Why) -> rangegate_federation::Result<()> {
        let mut line = Map::from_iter([("time".to_owned(), format!("{time:.9}").into())]);
        line.extend(object(json!(why)));
        self.associations.write(&line).map_err(other)
    }

    fn alerts(&mut self, alerts: &[Alert]) -> rangegate_federation::Result<()> {
        self.keep_alerts(alerts).map_err(other)
    }

    fn flush(&mut self) -> rangegate_federation::Result<()> {
        #[cfg(feature = "web")]
        if let Some((view, _)) = &self.view {
            view.account(None, balances(&self.authority));
        }
        self.fused
            .flush()
            .and_then(|()| self.associations.flush())
            .and_then(|()| self.archive.flush())
            .map_err(other)
    }
}

/// How everybody's giving stands, as the web view has it: times are s since 1970.
#[cfg(feature = "web")]
fn balances(authority: &Mutex<Authority>) -> Value {
    use crate::serving::unix_s;
    let balances = authority.lock().unwrap_or_else(PoisonError::into_inner).balance();
    let of = |balance: &Balance| {
        let sides = balance.sides.each_ref().map(|side| {
            let mut fields = object(json!(side));
            for name in ["even_at", "stops_at"] {
                fields.remove(name);
            }
            let since_s = (!side.is_flowing).then(|| unix_s(side.even_at) + balance.grace_s);
            fields.insert("stopped_since_s".to_owned(), json!(since_s));
            fields.insert("stops_at_s".to_owned(), json!(side.stops_at.map(unix_s)));
            fields
        });
        json!({ "window_s": balance.window_s, "grace_s": balance.grace_s, "sides": sides })
    };
    balances.iter().map(of).collect()
}

/// The centre's web view, about the middle of its stations.
#[cfg(feature = "web")]
fn show(
    args: &CentreArgs,
    config: &CentreConfig,
    sites: &[SiteConfig],
    quiet: bool,
) -> Result<Option<(Arc<crate::serving::Federated>, rangegate_web::Server)>> {
    use rangegate_tracking::Geodetic;
    let Some(address) = args.serve.or(config.serve) else { return Ok(None) };
    let sum = sites.iter().map(|site| site.position.ecef_m()).reduce(|a, b| a + b);
    let middle = Geodetic::from_ecef_m(&(sum.context("no station")? / sites.len() as f64));
    // The middle is on the ground, however far below it the chord between the stations passes.
    let middle = Geodetic { height_m: 0.0, ..middle };
    let far_m = sites.iter().map(|site| {
        let away_m = (site.position.ecef_m() - middle.ecef_m()).norm();
        away_m + site.coverage.range_m[1].min(super::FAR_M)
    });
    let station = rangegate_web::Station {
        name: config.name.clone(),
        latitude_deg: middle.latitude_deg,
        longitude_deg: middle.longitude_deg,
        height_m: 0.0,
    };
    let hub = Arc::new(rangegate_web::Hub::new());
    let configuration = json!({ "stations": sites, "fusion": config.fusion, "alerts": config.alerts });
    let far_m = far_m.reduce(f64::max);
    let archive = config.folder.join("archive");
    let view = crate::serving::Federated::new(Some(station), far_m, configuration, &archive, &hub);
    for site in sites {
        view.site(&site.name, &site.owner, site.position.latitude_deg, site.position.longitude_deg);
    }
    let contracts = config.contracts.iter().map(|path| Ok(json!(read_contract(path)?.contract)));
    view.account(Some(contracts.collect::<Result<_>>()?), json!([]));
    let view = Arc::new(view);
    let web = super::web_args(&args.web, config.coverage_file.as_deref());
    let server = crate::serving::start(&web, Some(address), Arc::clone(&view) as _, &hub, quiet)?;
    Ok(Some((view, server)))
}
