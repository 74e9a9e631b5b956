//! The room that a chart leaves for the labels of its axes.

use super::canvas::{Sheet, text};
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use std::ops::Range;

/// A chart with numbers on both axes.
pub(super) type Chart<'a, 'b> =
    ChartContext<'a, BitMapBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// Pixels around the axes, below and beside them.
#[derive(Clone, Copy)]
pub(super) struct Frame {
    pub margin: u32,
    pub below: u32,
    pub beside: u32,
}

impl Default for Frame {
    fn default() -> Self {
        Self { margin: 12, below: 60, beside: 95 }
    }
}

impl Frame {
    /// Width and height of the plane between the axes, on a sheet of this size.
    pub(super) fn plane(self, (width, height): (u32, u32)) -> [f64; 2] {
        let without =
            |size: u32, labels: u32| f64::from(size.saturating_sub(2 * self.margin + labels).max(1));
        [without(width, self.beside), without(height, self.below)]
    }

    /// The axes on a sheet.
    pub(super) fn chart<'a, 'b>(
        self,
        sheet: &'a Sheet<'b>,
        x: &Range<f64>,
        y: &Range<f64>,
    ) -> Result<Chart<'a, 'b>, String> {
        ChartBuilder::on(sheet)
            .margin(self.margin)
            .x_label_area_size(self.below)
            .y_label_area_size(self.beside)
            .build_cartesian_2d(x.clone(), y.clone())
            .map_err(text)
    }
}
