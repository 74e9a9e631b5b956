//! Links that carry blocks: files and TCP as streams of blocks, UDP as datagrams of whole blocks, captures of these.
//!
//! Thin functions over [`std::net`]. What comes is limited before it is read: a block has 65,535 octets at most, and
//! its category and length are looked at before the rest is waited for. How long to wait is the socket's own setting
//! (`set_read_timeout`).

use crate::asterix::{self, Block, Error, HEADER_LEN, MAX_BLOCK_LEN, block_len};
use etherparse::{SlicedPacket, TransportSlice};
use pcap_parser::{Block as NgBlock, Linktype, PcapBlockOwned, PcapError, create_reader};
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// Octets of a datagram that no network on the way splits: Ethernet's 1,500 less the headers of IPv6 and UDP.
pub const DATAGRAM_LEN: usize = 1_452;

/// Why nothing came or went.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The socket or the file.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// What came is no ASTERIX of the editions here, or what should go is none.
    #[error(transparent)]
    Asterix(#[from] Error),
    /// A capture that cannot be read.
    #[error("capture: {0}")]
    Capture(String),
}

/// Reads blocks one by one from a stream: TCP, a file, a pipe.
#[derive(Debug)]
pub struct BlockReader<R> {
    stream: R,
    offset: u64,
    octets: Vec<u8>,
}

impl<R: Read> BlockReader<R> {
    /// Reads from where the stream is.
    pub fn new(stream: R) -> Self {
        Self { stream, offset: 0, octets: Vec::new() }
    }

    /// Octets read so far: where the next block begins.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The octets of the next block, and nothing behind it; `None` where the stream ends between two blocks. Records
    /// are not looked at, so that whoever wants to may go on behind a block that is wrong inside.
    ///
    /// # Errors
    /// The stream ends within a block, its header is wrong (after which nothing more can be read), or reading fails.
    pub fn next_octets(&mut self) -> Result<Option<&[u8]>, LinkError> {
        let start = self.offset;
        self.octets.clear();
        self.fill(HEADER_LEN)?;
        let Some(&header) = self.octets.first_chunk::<HEADER_LEN>() else {
            return if self.octets.is_empty() { Ok(None) } else { Err(self.ended(start, HEADER_LEN)) };
        };
        let (_, len) = block_len(header, start)?;
        self.fill(len)?;
        if self.octets.len() < len {
            return Err(self.ended(start, len));
        }
        Ok(Some(&self.octets))
    }

    /// The next block; `None` where the stream ends between two.
    ///
    /// # Errors
    /// As [`next_octets`](Self::next_octets), or a record is wrong.
    pub fn next_block(&mut self) -> Result<Option<Block>, LinkError> {
        let start = self.offset;
        match self.next_octets()? {
            Some(octets) => Ok(Some(asterix::decode_block(octets, start)?.0)),
            None => Ok(None),
        }
    }

    /// Reads until there are so many octets, or the stream ends.
    fn fill(&mut self, len: usize) -> io::Result<()> {
        let more = (len - self.octets.len()) as u64;
        self.offset += Read::by_ref(&mut self.stream).take(more).read_to_end(&mut self.octets)? as u64;
        Ok(())
    }

    fn ended(&self, start: u64, expected: usize) -> LinkError {
        let found = format!("the end after {} octets", self.octets.len());
        Error::new(found, format!("a block of {expected}")).at(start).into()
    }
}

/// Writes blocks to a stream.
///
/// # Errors
/// A block cannot be encoded, or writing fails.
pub fn write_blocks(mut stream: impl Write, blocks: &[Block]) -> Result<(), LinkError> {
    let mut octets = Vec::new();
    for block in blocks {
        block.encode_into(&mut octets)?;
    }
    stream.write_all(&octets)?;
    Ok(stream.flush()?)
}

/// A socket that hears an address. A multicast group is joined on `interface` (IPv4), or by the system's choice.
///
/// # Errors
/// The address is in use or not here, or the group cannot be joined.
pub fn bind_udp(address: SocketAddr, interface: Option<Ipv4Addr>) -> io::Result<UdpSocket> {
    if !address.ip().is_multicast() {
        return UdpSocket::bind(address);
    }
    match address.ip() {
        IpAddr::V4(group) => {
            // On the group's own address only what goes to it is heard; not every system can bind that.
            let socket = UdpSocket::bind(address)
                .or_else(|_| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, address.port())))?;
            socket.join_multicast_v4(&group, &interface.unwrap_or(Ipv4Addr::UNSPECIFIED))?;
            Ok(socket)
        }
        IpAddr::V6(group) => {
            let socket = UdpSocket::bind((Ipv6Addr::UNSPECIFIED, address.port()))?;
            socket.join_multicast_v6(&group, 0)?;
            Ok(socket)
        }
    }
}

/// Waits for a datagram, and says what blocks it holds and who sent it. `scratch` is grown to the longest there is.
///
/// # Errors
/// The socket fails or times out, or the datagram is not of whole blocks.
pub fn receive_udp(socket: &UdpSocket, scratch: &mut Vec<u8>) -> Result<(Vec<Block>, SocketAddr), LinkError> {
    scratch.resize(MAX_BLOCK_LEN, 0);
    let (len, sender) = socket.recv_from(scratch)?;
    Ok((asterix::decode(&scratch[..len])?, sender))
}

/// Sends blocks, as many in a datagram as [`DATAGRAM_LEN`] holds, a longer block in one of its own. Returns how many
/// datagrams were sent.
///
/// # Errors
/// A block cannot be encoded, or is longer than the system sends.
pub fn send_udp(socket: &UdpSocket, to: SocketAddr, blocks: &[Block]) -> Result<usize, LinkError> {
    let (mut datagram, mut n) = (Vec::new(), 0);
    for block in blocks {
        let octets = block.encode()?;
        if !datagram.is_empty() && datagram.len() + octets.len() > DATAGRAM_LEN {
            socket.send_to(&datagram, to)?;
            n += 1;
            datagram.clear();
        }
        datagram.extend(octets);
    }
    if !datagram.is_empty() {
        socket.send_to(&datagram, to)?;
        n += 1;
    }
    Ok(n)
}

/// Whether a file that begins so is a capture (pcap or pcapng).
pub fn is_capture(octets: &[u8]) -> bool {
    const MAGICS: [[u8; 4]; 5] = [
        [0xa1, 0xb2, 0xc3, 0xd4],
        [0xd4, 0xc3, 0xb2, 0xa1],
        [0xa1, 0xb2, 0x3c, 0x4d],
        [0x4d, 0x3c, 0xb2, 0xa1],
        [0x0a, 0x0d, 0x0d, 0x0a],
    ];
    octets.first_chunk().is_some_and(|first| MAGICS.contains(first))
}

/// A datagram of a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// Number of the packet in the capture, from 1, as Wireshark counts.
    pub packet: u64,
    /// Port that it was sent to.
    pub port: u16,
    /// What it holds.
    pub octets: Vec<u8>,
}

/// The UDP datagrams of a capture (pcap or pcapng; Ethernet, Linux cooked, raw IP), one by one. What is no whole UDP
/// datagram, fragments among it, is left out.
///
/// # Errors
/// The capture is damaged, or `each` fails.
pub fn for_each_datagram(
    capture: &[u8],
    mut each: impl FnMut(Datagram) -> Result<(), LinkError>,
) -> Result<(), LinkError> {
    // The largest packet that captures hold, and its header.
    const CAPACITY: usize = 512 * 1024;
    let wrong = |error: &PcapError<&[u8]>| LinkError::Capture(short(error));
    let mut reader = create_reader(CAPACITY, io::Cursor::new(capture)).map_err(|error| wrong(&error))?;
    let (mut packet, mut links, mut refills) = (0, Vec::new(), 0);
    loop {
        match reader.next() {
            Ok((used, block)) => {
                let (link, data) = match &block {
                    PcapBlockOwned::LegacyHeader(header) => {
                        links = vec![header.network];
                        (None, None)
                    }
                    PcapBlockOwned::Legacy(of) => (links.first(), Some(of.data)),
                    PcapBlockOwned::NG(NgBlock::SectionHeader(_)) => {
                        links.clear();
                        (None, None)
                    }
                    PcapBlockOwned::NG(NgBlock::InterfaceDescription(of)) => {
                        links.push(of.linktype);
                        (None, None)
                    }
                    PcapBlockOwned::NG(NgBlock::EnhancedPacket(of)) => {
                        let len = of.data.len().min(of.caplen as usize);
                        (links.get(of.if_id as usize), Some(&of.data[..len]))
                    }
                    PcapBlockOwned::NG(NgBlock::SimplePacket(of)) => (links.first(), Some(of.data)),
                    PcapBlockOwned::NG(_) => (None, None),
                };
                packet += u64::from(data.is_some());
                let datagram = link.zip(data).and_then(|(&link, data)| datagram(packet, link, data));
                reader.consume(used);
                refills = 0;
                if let Some(datagram) = datagram {
                    each(datagram)?;
                }
            }
            Err(PcapError::Eof) => return Ok(()),
            // Once more with more octets; a second time at the same place there are none.
            Err(PcapError::Incomplete(_)) if refills == 0 => {
                refills += 1;
                reader.refill().map_err(|error| wrong(&error))?;
            }
            Err(error) => {
                return Err(LinkError::Capture(format!("after packet {packet}: {}", short(&error))));
            }
        }
    }
}

fn short(error: &PcapError<&[u8]>) -> String {
    match error {
        PcapError::Eof | PcapError::UnexpectedEof | PcapError::Incomplete(_) => {
            "it ends within a packet".to_owned()
        }
        PcapError::HeaderNotRecognized => "neither pcap nor pcapng".to_owned(),
        _ => "it is damaged".to_owned(),
    }
}

fn datagram(packet: u64, link: Linktype, data: &[u8]) -> Option<Datagram> {
    let sliced = match link {
        Linktype::ETHERNET => SlicedPacket::from_ethernet(data),
        Linktype::LINUX_SLL => SlicedPacket::from_linux_sll(data),
        Linktype::RAW | Linktype::IPV4 | Linktype::IPV6 => SlicedPacket::from_ip(data),
        _ => return None,
    };
    match sliced.ok()?.transport? {
        TransportSlice::Udp(udp) => {
            Some(Datagram { packet, port: udp.destination_port(), octets: udp.payload().to_vec() })
        }
        _ => None,
    }
}
