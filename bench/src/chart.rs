//! The chart of a part: a panel for each table, a line for each peer, both axes logarithmic.

use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::part::Task;
use crate::results::{Results, Taken, number};

/// Draws the part's chart.
pub(crate) fn write(results: &Results, folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let columns = results.tables.len().min(COLUMNS);
    let rows = results.tables.len().div_ceil(COLUMNS);
    let path = folder.join(format!("{}.svg", results.part.name));
    let size = (columns as u32 * PANEL.0, rows as u32 * PANEL.1);
    let area = SVGBackend::new(&path, size).into_drawing_area();
    area.fill(&WHITE)?;
    for (table, panel) in results.tables.iter().zip(area.split_evenly((rows, columns))) {
        draw(table, &panel)?;
    }
    area.present()?;
    Ok(())
}

fn draw(table: &Taken, panel: &DrawingArea<SVGBackend<'_>, Shift>) -> Result<(), Box<dyn std::error::Error>> {
    let medians = || table.rows.iter().flat_map(|row| &row.cells).filter_map(|cell| cell.median());
    let (least, most) =
        medians().fold((f64::MAX, f64::MIN), |(least, most), median| (least.min(median), most.max(median)));
    let (Some(first), Some(last)) = (table.tasks.first(), table.tasks.last()) else { return Ok(()) };
    if least > most {
        return Ok(());
    }
    let mut chart = ChartBuilder::on(panel)
        .caption(&table.title, ("sans-serif", 16))
        .margin(10)
        .x_label_area_size(32)
        .y_label_area_size(64)
        .build_cartesian_2d(
            (first.x as f64 * 0.8..last.x as f64 * 1.25).log_scale(),
            (least * 0.7..most * 1.5).log_scale(),
        )?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .x_labels(8)
        .x_label_formatter(&|x| label(*x, &table.tasks))
        .y_label_formatter(&|y| number(*y))
        .y_desc(table.unit)
        .draw()?;
    for row in &table.rows {
        let color = color(&row.name);
        let width = if row.name == "sockeye" { 3 } else { 1 };
        let points: Vec<(f64, f64)> = table
            .tasks
            .iter()
            .zip(&row.cells)
            .filter_map(|(task, cell)| Some((task.x as f64, cell.median()?)))
            .collect();
        chart.draw_series(points.iter().map(|&point| Circle::new(point, 2 + width / 2, color.filled())))?;
        chart
            .draw_series(LineSeries::new(points, color.stroke_width(width)))?
            .label(&row.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], color.stroke_width(width)));
    }
    chart.configure_series_labels().position(SeriesLabelPosition::UpperLeft).background_style(WHITE.mix(0.8)).draw()?;
    Ok(())
}

/// What stands below a place of the horizontal axis: a number of bytes, or the name of the column that is there.
fn label(x: f64, tasks: &[Task]) -> String {
    if tasks.iter().zip(1..).any(|(task, place)| task.x != place) {
        return number(x);
    }
    tasks.iter().find(|task| (task.x as f64 - x).abs() < 0.01).map(|task| task.label.clone()).unwrap_or_default()
}

/// The same color in every chart, whoever else is in it.
fn color(name: &str) -> RGBColor {
    match PEERS.iter().position(|&peer| peer == name) {
        Some(index) => COLORS[index],
        None => BLACK,
    }
}

const PEERS: [&str; 12] = [
    "sockeye",
    "fastwebsockets",
    "limits",
    "nexus-web",
    "sockudo-ws",
    "tokio-tungstenite",
    "tokio-websockets",
    "tungstenite",
    "uwebsockets",
    "web-socket",
    "wtx",
    "yawc",
];

const COLORS: [RGBColor; 12] = [
    RGBColor(214, 39, 40),
    RGBColor(31, 119, 180),
    RGBColor(127, 127, 127),
    RGBColor(23, 190, 207),
    RGBColor(188, 189, 34),
    RGBColor(174, 199, 232),
    RGBColor(44, 160, 44),
    RGBColor(148, 103, 189),
    RGBColor(0, 0, 0),
    RGBColor(227, 119, 194),
    RGBColor(140, 86, 75),
    RGBColor(255, 127, 14),
];

/// Panels side by side.
const COLUMNS: usize = 3;

/// The size of a panel.
const PANEL: (u32, u32) = (560, 400);
