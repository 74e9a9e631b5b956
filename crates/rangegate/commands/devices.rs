//! `devices`: which radios are there.

use crate::Outcome;
use anyhow::Result;
use rangegate_sources::radio::{self, Found};
use std::fmt::Write;

/// What to do when no radio is found.
const NOTHING: &str = "\
no radio was found.

Is its module installed? On Debian and Ubuntu:
  HackRF     soapysdr-module-hackrf        RTL-SDR    soapysdr-module-rtlsdr
  USRP       soapysdr-module-uhd uhd-host  Airspy     soapysdr-module-airspy
  LimeSDR    soapysdr-module-lms7          BladeRF    soapysdr-module-bladerf
  another computer's radio                 soapysdr-module-remote
USRPs need their images too: sudo uhd_images_downloader
`SoapySDRUtil --info` (soapysdr-tools) lists the modules that are installed.

May you use it? Join the group and log in again:
  sudo usermod -aG plugdev $USER
and give the group the device with the vendor's udev rules (hackrf, rtl-sdr and uhd-host bring theirs).
`lsusb` shows whether the computer sees it at all.
";

/// Runs the command.
///
/// # Errors
/// SoapySDR cannot look for devices.
pub fn devices(filter: &str, json: bool) -> Result<Outcome> {
    let found = radio::devices(filter)?;
    if json {
        super::print_json(&found)?;
    } else if found.is_empty() {
        super::print(NOTHING)?;
    } else {
        super::print(&found.iter().map(text).collect::<Result<String>>()?)?;
    }
    Ok(if found.is_empty() { Outcome::Differs } else { Outcome::Done })
}

fn text(found: &Found) -> Result<String> {
    let mut text = format!("{}\n", found.device);
    let mut line = |name: &str, value: &str| {
        if value.is_empty() { Ok(()) } else { writeln!(text, "  {name:<14} {value}") }
    };
    if let Some(label) = found.description.get("label") {
        line("label", label)?;
    }
    match &found.ability {
        Err(why) => line("cannot be opened", why)?,
        Ok(ability) => {
            line("hardware", &ability.hardware)?;
            line("channels", &ability.n_channels.to_string())?;
            line("sample rates", &ability.sample_rates)?;
            line("frequencies", &ability.frequencies)?;
            let gains: Vec<String> =
                ability.gains.iter().map(|(stage, db)| format!("{stage} {db}")).collect();
            line("gains", &gains.join(", "))?;
            line("antennas", &ability.antennas.join(", "))?;
            line("bandwidths", &ability.bandwidths)?;
            line("formats", &format!("{} (takes {})", ability.formats.join(", "), ability.native_format))?;
            line("time stamps", if ability.has_time { "yes" } else { "no: losses are estimated" })?;
        }
    }
    Ok(text)
}
