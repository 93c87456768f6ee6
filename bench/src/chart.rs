//! The chart of a part: a panel for each table, a color for each peer, amounts on logarithmic axes.

use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::part::{Axis, Task, bytes};
use crate::results::{Cell, Results, Taken, number};

type Drawn = Result<(), Box<dyn std::error::Error>>;
type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Draws the part's chart.
pub(crate) fn write(results: &Results, folder: &Path) -> Drawn {
    let columns = if results.tables.len() == 4 { 2 } else { results.tables.len().clamp(1, COLUMNS) };
    let rows = results.tables.len().div_ceil(columns).max(1);
    let (width, height) = (columns as u32 * PANEL.0, rows as u32 * PANEL.1);
    let names = names(results);
    let each_line = (width / LEGEND.0).max(1) as usize;
    let legend = (names.len().div_ceil(each_line) as u32 + 1) * LEGEND.1;
    let path = folder.join(format!("{}.svg", results.part.name));
    let area = SVGBackend::new(&path, (width, height + legend)).into_drawing_area();
    area.fill(&WHITE)?;
    let (panels, below) = area.split_vertically(height);
    for (table, panel) in results.tables.iter().zip(panels.split_evenly((rows, columns))) {
        draw(table, &panel)?;
    }
    for (index, name) in names.iter().enumerate() {
        let left = MARGIN + (index % each_line) as i32 * LEGEND.0 as i32;
        let top = (index / each_line) as i32 * LEGEND.1 as i32 + 10;
        let (color, width) = if *name == LINEAR { (GUIDE, 1) } else { (color(name), width_of(name)) };
        below.draw(&PathElement::new([(left, top), (left + 20, top)], color.stroke_width(width)))?;
        if *name != LINEAR {
            below.draw(&Circle::new((left + 10, top), 4, color.filled()))?;
        }
        below.draw(&Text::new(*name, (left + 26, top - 7), ("sans-serif", 14)))?;
    }
    area.present()?;
    Ok(())
}

/// The rows of all tables, each once, and the guide where there is one.
fn names(results: &Results) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for row in results.tables.iter().flat_map(|table| &table.rows) {
        if row.cells.iter().any(|cell| drawn(cell).is_some()) && !names.contains(&&*row.name) {
            names.push(&row.name);
        }
    }
    if results.tables.iter().any(|table| table.linear) {
        names.push(LINEAR);
    }
    names
}

fn draw(table: &Taken, panel: &Area<'_>) -> Drawn {
    let medians = || table.rows.iter().flat_map(|row| &row.cells).filter_map(drawn);
    let (least, most) =
        medians().fold((f64::MAX, f64::MIN), |(least, most), median| (least.min(median), most.max(median)));
    let (Some(first), Some(last)) = (table.tasks.first(), table.tasks.last()) else { return Ok(()) };
    if least > most {
        return Ok(());
    }
    let y = least / 1.3..most * 1.3;
    let marks = marks(y.start, y.end);
    let mut builder = ChartBuilder::on(panel);
    builder
        .caption(format!("{} ({})", table.title, table.unit), ("sans-serif", 15))
        .margin(MARGIN)
        .margin_right(3 * MARGIN)
        .x_label_area_size(44)
        .y_label_area_size(84);
    if let Axis::Names = table.axis {
        let x = 0.5..table.tasks.len() as f64 + 0.5;
        let mut chart = builder.build_cartesian_2d(x, y.log_scale().with_key_points(marks))?;
        let mesh = |x: &f64| name_at(*x, &table.tasks);
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .disable_x_mesh()
            .x_labels(2 * table.tasks.len() + 1)
            .x_label_formatter(&mesh)
            .y_label_formatter(&|y| number(*y))
            .draw()?;
        for (place, row) in table.rows.iter().enumerate() {
            let aside = (place as f64 + 0.5) / table.rows.len() as f64 * 0.8 - 0.4;
            let color = color(&row.name);
            let dots = (1..).zip(&row.cells).filter_map(|(x, cell)| Some((f64::from(x) + aside, drawn(cell)?)));
            chart.draw_series(dots.map(|dot| Circle::new(dot, 4, color.filled())))?;
        }
        return Ok(());
    }
    let x = first.x as f64 * 0.8..last.x as f64 * 1.25;
    let places = places(&table.tasks, x.start, x.end);
    let mut chart = builder.build_cartesian_2d(
        x.clone().log_scale().with_key_points(places),
        y.clone().log_scale().with_key_points(marks),
    )?;
    let label = |x: &f64| match table.axis {
        Axis::Bytes => bytes(*x as u64),
        _ => number(*x),
    };
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .x_label_formatter(&label)
        .y_label_formatter(&|y| number(*y))
        .x_desc(if matches!(table.axis, Axis::Bytes) { "bytes of a message" } else { "connections" })
        .draw()?;
    if table.linear {
        let most = table.rows.first().and_then(|row| row.cells.last()?.median()).unwrap_or(most);
        let from = (last.x as f64 * y.start / most).max(x.start);
        let guide = [(from, most * from / last.x as f64), (last.x as f64, most)];
        chart.draw_series(DashedLineSeries::new(guide, 6, 4, GUIDE.stroke_width(1)))?;
    }
    for row in &table.rows {
        let (color, width) = (color(&row.name), width_of(&row.name));
        let medians = table.tasks.iter().zip(&row.cells);
        let points: Vec<(f64, f64)> = medians.filter_map(|(task, cell)| Some((task.x as f64, drawn(cell)?))).collect();
        chart.draw_series(points.iter().map(|&point| Circle::new(point, 2 + width / 2, color.filled())))?;
        chart.draw_series(LineSeries::new(points, color.stroke_width(width)))?;
    }
    Ok(())
}

/// What stands in the chart of a cell: none has no place on a logarithmic axis.
fn drawn(cell: &Cell) -> Option<f64> {
    cell.median().filter(|&median| median > 0.0)
}

/// The name of the column that is at a place of the horizontal axis, if one is.
fn name_at(x: f64, tasks: &[Task]) -> String {
    let index = x.round();
    if (x - index).abs() > 0.01 || index < 1.0 {
        return String::new();
    }
    tasks.get(index as usize - 1).map(|task| task.label.clone()).unwrap_or_default()
}

/// The columns whose labels have room below a logarithmic axis.
fn places(tasks: &[Task], start: f64, end: f64) -> Vec<f64> {
    let apart = (end / start).ln() / LABELS;
    let mut places: Vec<f64> = Vec::new();
    // From the last one, which is always there.
    for task in tasks.iter().rev() {
        let x = task.x as f64;
        if places.last().is_none_or(|&last| (last / x).ln() >= apart) {
            places.push(x);
        }
    }
    places.reverse();
    places
}

/// Round numbers on a logarithmic axis, some three to eight of them.
fn marks(start: f64, end: f64) -> Vec<f64> {
    let steps: &[f64] = match (end / start).log10() {
        ..0.5 => &[1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0],
        ..1.2 => &[1.0, 2.0, 3.0, 5.0],
        ..2.5 => &[1.0, 3.0],
        _ => &[1.0],
    };
    let decades = start.log10().floor() as i32..=end.log10().ceil() as i32;
    let marks = decades.flat_map(|decade| steps.iter().map(move |step| step * 10_f64.powi(decade)));
    marks.filter(|mark| (start..=end).contains(mark)).collect()
}

/// The same color in every chart, whoever else is in it.
fn color(name: &str) -> RGBColor {
    let (_, (red, green, blue)) = COLORS.iter().find(|(peer, _)| *peer == name).unwrap_or(&("", (0, 0, 0)));
    RGBColor(*red, *green, *blue)
}

fn width_of(name: &str) -> u32 {
    if name.starts_with("sockeye") { 3 } else { 1 }
}

/// Of what the time or memory would be if it grew as the bytes or the connections do.
const LINEAR: &str = "linear growth";
const GUIDE: RGBColor = RGBColor(150, 150, 150);

type Named = (&'static str, (u8, u8, u8));

const COLORS: &[Named] = &[
    ("sockeye", (214, 39, 40)),
    ("sockeye, lent", (31, 119, 180)),
    ("sockeye, owned", (23, 190, 207)),
    ("sockeye tokio", (214, 39, 40)),
    ("sockeye epoll", (255, 127, 14)),
    ("sockeye io_uring", (140, 20, 60)),
    ("bare-epoll", (60, 60, 60)),
    ("bare-tokio", (150, 150, 150)),
    ("fastwebsockets", (31, 119, 180)),
    ("limits", (127, 127, 127)),
    ("memcpy", (180, 180, 180)),
    ("nexus-web", (23, 190, 207)),
    ("sockudo-ws", (188, 189, 34)),
    ("tokio-tungstenite", (120, 160, 230)),
    ("tokio-websockets", (44, 160, 44)),
    ("tungstenite", (148, 103, 189)),
    ("web-socket", (227, 119, 194)),
    ("wtx", (140, 86, 75)),
    ("yawc", (0, 90, 90)),
];

/// Panels side by side, at most.
const COLUMNS: usize = 3;

/// The size of a panel.
const PANEL: (u32, u32) = (620, 400);

/// The size of a name in the legend.
const LEGEND: (u32, u32) = (190, 22);

const MARGIN: i32 = 10;

/// So many labels have room side by side.
const LABELS: f64 = 9.0;
