//! Height grids that NumPy and Pillow wrote, and their numbers.
#![allow(clippy::print_stdout, reason = "what is skipped is said loudly")]

use rangegate_coverage::HeightGrid;
use std::process::Command;

const SCRIPT: &str = r#"
import sys
import numpy as np
from PIL import Image, TiffImagePlugin

folder = sys.argv[1]
row, column = np.mgrid[0:1201, 0:1201]
heights = (500 + 300 * np.sin(row / 90) * np.cos(column / 70)).round()
heights[700:720, 300:330] = -32768
heights.astype(">i2").tofile(folder + "/N40E047.hgt")

rows, columns = np.mgrid[0:90, 0:120]
for kind, name in ((np.int16, "integers"), (np.float32, "floats")):
    values = (40 * rows - 7 * columns).astype(kind)
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[33550] = (0.02, 0.01, 0.0)
    tags.tagtype[33550] = 12
    tags[33922] = (0.0, 0.0, 0.0, 44.0, 42.0, 0.0)
    tags.tagtype[33922] = 12
    tags[34735] = (1, 1, 0, 2, 1024, 0, 1, 2, 1025, 0, 1, 1)
    tags.tagtype[34735] = 3
    tags[42113] = "-9999"
    image = Image.fromarray(values if kind == np.float32 else values.astype(np.int32))
    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate"):
        image.save(f"{folder}/{name}-{compression}.tif", tiffinfo=tags, compression=compression)
"#;

#[test]
fn grids_of_numpy_and_pillow_are_read_as_they_were_written() {
    let Ok(python) = std::env::var("RANGEGATE_PYTHON") else {
        println!("SKIPPED 7 cases: RANGEGATE_PYTHON does not name a Python with numpy and Pillow");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let status = Command::new(python).args(["-c", SCRIPT]).arg(folder.path()).status().unwrap();
    assert!(status.success());
    let read =
        |name: &str| HeightGrid::read(name, &std::fs::read(folder.path().join(name)).unwrap()).unwrap();

    let tile = read("N40E047.hgt");
    for (row, column) in [(0, 0), (1200, 1200), (35, 900), (600, 17)] {
        let expected =
            (500.0 + 300.0 * (f64::from(row) / 90.0).sin() * (f64::from(column) / 70.0).cos()).round();
        let found = tile.height_m(41.0 - f64::from(row) / 1200.0, 47.0 + f64::from(column) / 1200.0).unwrap();
        assert!((found - expected).abs() < 1e-3, "{row} {column}: {found} {expected}");
    }
    assert_eq!(tile.height_m(41.0 - 710.0 / 1200.0, 47.0 + 315.0 / 1200.0), None);

    for kind in ["integers", "floats"] {
        for compression in ["raw", "tiff_lzw", "tiff_adobe_deflate"] {
            let grid = read(&format!("{kind}-{compression}.tif"));
            // Heights are of areas: that of row 10 and column 20 has its middle half a cell on.
            let found = grid.height_m(42.0 - 0.01 * 10.5, 44.0 + 0.02 * 20.5).unwrap();
            assert!((found - 260.0).abs() < 1e-2, "{kind} {compression}: {found}");
        }
    }
}
