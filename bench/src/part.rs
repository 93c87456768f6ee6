//! The parts of the benchmark: which tables there are, and which tasks they are made of.

/// A part: its tables are measured together and drawn together.
pub(crate) struct Part {
    pub(crate) name: &'static str,
    /// What a number means.
    pub(crate) unit: &'static str,
    pub(crate) way: Way,
}

/// How a part is measured.
#[derive(Clone, Copy)]
pub(crate) enum Way {
    /// By tasks in the peers' processes.
    Tasks(fn(quick: bool) -> Vec<Table>),
    /// By servers under load.
    Loopback,
    /// By servers with idle connections.
    Memory,
    /// By tasks and by servers, with more and more to do.
    Growth,
}

/// What stands below the columns of a table.
#[derive(Clone, Copy)]
pub(crate) enum Axis {
    /// Bytes of a message.
    Bytes,
    /// Their number.
    Connections,
    /// The labels alone.
    Names,
}

/// A table: the peers are its rows and its tasks the columns.
pub(crate) struct Table {
    pub(crate) title: String,
    /// What a number means, where it is not what it means in the other tables.
    pub(crate) unit: Option<&'static str>,
    pub(crate) axis: Axis,
    pub(crate) tasks: Vec<Task>,
}

/// A task: a column.
pub(crate) struct Task {
    pub(crate) label: String,
    /// Where it stands on the horizontal axis of the chart.
    pub(crate) x: u64,
    /// What the peers are asked.
    pub(crate) words: String,
}

/// The parts, in the order in which they are measured.
pub(crate) const ALL: &[Part] = &[
    Part { name: "decode", unit: "ns a message", way: Way::Tasks(decode) },
    Part { name: "encode", unit: "ns a message", way: Way::Tasks(encode) },
    Part { name: "kernels", unit: "ns a run", way: Way::Tasks(kernels) },
    Part { name: "handshake", unit: "ns a handshake", way: Way::Tasks(handshake) },
    Part { name: "deflate", unit: "ns a message", way: Way::Tasks(deflate) },
    Part { name: "loopback", unit: "messages a second", way: Way::Loopback },
    Part { name: "memory", unit: "bytes for each connection", way: Way::Memory },
    Part { name: "growth", unit: "ns a message", way: Way::Growth },
];

fn decode(quick: bool) -> Vec<Table> {
    let mut tables = Vec::new();
    for chunk in [65_536, 1_460] {
        for (mode, kinds) in [
            ("lent", &["binary", "ascii", "multibyte"][..]),
            ("owned", &["binary", "ascii", "multibyte"][..]),
            ("str", &["ascii", "multibyte"][..]),
        ] {
            for kind in kinds {
                if quick && (chunk != 65_536 || mode == "str") {
                    continue;
                }
                let title = format!("{kind}, {}, chunks of {}", mode_name(mode), bytes(chunk));
                tables.push(Table::over(title, sizes(quick), |size| format!("decode {mode} {kind} {size} {chunk}")));
            }
        }
    }
    tables
}

fn mode_name(mode: &str) -> &str {
    match mode {
        "str" => "as &str",
        other => other,
    }
}

fn encode(quick: bool) -> Vec<Table> {
    let mut tables = Vec::new();
    for role in ["server", "client"] {
        for batch in [1, 64] {
            let flush = if batch == 1 { "flushed one by one".into() } else { format!("flushed by {batch}") };
            // A batch of the largest would be a gigabyte.
            let sizes = sizes(quick).iter().filter(|&&size| size * batch <= 64 << 20).copied().collect::<Vec<_>>();
            let title = format!("{role}, {flush}");
            tables.push(Table::over(title, &sizes, |size| format!("encode {role} {size} {batch}")));
        }
    }
    let sizes = if quick { &[64][..] } else { &[64, 1024, 16_384, 1 << 20][..] };
    let title = "broadcast to 1,000 outboxes, ns for each".into();
    tables.push(Table::over(title, sizes, |size| format!("broadcast {size} 1000")));
    tables
}

fn kernels(quick: bool) -> Vec<Table> {
    let sizes = if quick { &[8, 64, 1024, 65_536][..] } else { &KERNEL_SIZES[..] };
    let mut tables = Vec::new();
    for (offset, name) in [(0, "aligned"), (3, "not aligned")] {
        tables.push(Table::over(format!("mask, {name}"), sizes, |size| format!("mask {size} {offset}")));
    }
    for kind in ["ascii", "multibyte"] {
        tables.push(Table::over(format!("UTF-8, {kind}"), sizes, |size| format!("utf8 {kind} {size}")));
    }
    tables
}

fn handshake(_: bool) -> Vec<Table> {
    let task = |x, role: &str| Task { label: role.into(), x, words: format!("handshake {role}") };
    let title = "a browser's request of 12 headers".into();
    let tasks = vec![task(1, "server"), task(2, "client")];
    vec![Table { title, unit: None, axis: Axis::Names, tasks }]
}

fn deflate(_: bool) -> Vec<Table> {
    let mut tables = Vec::new();
    for direction in ["compress", "decompress"] {
        for takeover in ["takeover", "fresh"] {
            let title = format!("{direction}, {}", if takeover == "fresh" { "no takeover" } else { "takeover" });
            let task = |size| format!("deflate {direction} {takeover} {size}");
            tables.push(Table::over(title, &[64, 256, 4096, 65_536], task));
        }
    }
    let context = |x, label: &str, words: &str| Task { label: label.into(), x, words: format!("context {words}") };
    tables.push(Table {
        title: "memory of a context, for messages with takeover and without".into(),
        unit: Some("bytes"),
        axis: Axis::Names,
        tasks: vec![
            context(1, "compressor", "compress takeover"),
            context(2, "without", "compress fresh"),
            context(3, "decompressor", "decompress takeover"),
            context(4, "without", "decompress fresh"),
        ],
    });
    tables
}

impl Table {
    pub(crate) fn over(title: String, sizes: &[u64], words: impl Fn(u64) -> String) -> Self {
        let task = |&size: &u64| Task { label: bytes(size), x: size, words: words(size) };
        Self { title, unit: None, axis: Axis::Bytes, tasks: sizes.iter().map(task).collect() }
    }
}

/// A number of bytes, as a person writes it.
pub(crate) fn bytes(count: u64) -> String {
    match count {
        count if count >= 1 << 20 && count % (1 << 20) == 0 => format!("{} MiB", count >> 20),
        count if count >= 1 << 10 && count % (1 << 10) == 0 => format!("{} KiB", count >> 10),
        count => format!("{count} B"),
    }
}

fn sizes(quick: bool) -> &'static [u64] {
    if quick { &[2, 64, 256, 1024, 16_384, 1 << 20] } else { &SIZES }
}

const SIZES: [u64; 11] = [2, 16, 64, 125, 256, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 1 << 20, 16 << 20];
const KERNEL_SIZES: [u64; 10] = [8, 16, 31, 64, 125, 256, 1 << 10, 4 << 10, 64 << 10, 1 << 20];
