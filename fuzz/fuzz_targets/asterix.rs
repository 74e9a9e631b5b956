//! Any octets as blocks, envelopes and captures of ASTERIX: what is accepted must encode to the same octets, come back
//! from JSON, and be taken or refused by whoever reads reports.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rangegate_exchange::asterix::fused::SystemTrack;
use rangegate_exchange::asterix::report::TargetReport;
use rangegate_exchange::asterix::service::{SiteReport, StationStatus, check_editions};
use rangegate_exchange::asterix::{self, Block, record_from_json, record_to_json};
use rangegate_exchange::envelope::Envelope;
use rangegate_exchange::link::for_each_datagram;

fn check(blocks: &[Block], octets: &[u8]) {
    let mut again = Vec::new();
    for block in blocks {
        block.encode_into(&mut again).expect("what was decoded encodes");
        for record in &block.records {
            let json = record_to_json(record);
            assert_eq!(record_from_json(block.category, &json).as_ref(), Ok(record), "{json}");
            // What a report says may be said again.
            if let Ok(report) = TargetReport::from_record(record) {
                report.to_record().expect("a report that was read is one");
            }
            if let Ok(track) = SystemTrack::from_record(record) {
                track.to_record().expect("a track that was read is one");
            }
            if let Ok(site) = SiteReport::from_record(record) {
                site.to_record().expect("a site that was read is one");
            }
            if let Ok(status) = StationStatus::from_record(record) {
                status.to_record().expect("a status that was read is one");
            }
            let _ = check_editions(record);
        }
    }
    assert_eq!(again, octets);
}

fuzz_target!(|octets: &[u8]| {
    if let Ok(blocks) = asterix::decode(octets) {
        check(&blocks, octets);
    }
    if let Ok((envelope, len)) = Envelope::decode(octets, 0) {
        assert_eq!(envelope.encode().as_deref(), Ok(&octets[..len]));
    }
    let _ = for_each_datagram(octets, |datagram| {
        let _ = asterix::decode(&datagram.octets);
        Ok(())
    });
});
