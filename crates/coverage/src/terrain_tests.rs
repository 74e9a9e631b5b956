use super::*;
use crate::sight::is_clear;
use crate::{Refraction, horizon};
use rangegate_tracking::Geodetic;

/// A tile of 1201 heights a side.
fn tile(height: impl Fn(usize, usize) -> i16) -> Vec<u8> {
    (0..1201 * 1201).flat_map(|at| height(at / 1201, at % 1201).to_be_bytes()).collect()
}

fn place(latitude_deg: f64, longitude_deg: f64, height_m: f64) -> Geodetic {
    Geodetic { latitude_deg, longitude_deg, height_m }
}

#[test]
fn tiles_lie_where_their_name_says_and_heights_between_are_interpolated() {
    // Rises by 1 m a row northward and 2 m a column eastward.
    let bytes = tile(|row, column| (1200 - row) as i16 + 2 * column as i16);
    let grid = HeightGrid::read("data/N40E047.hgt", &bytes).unwrap();
    for (lat, lon, expected) in
        [(40.0, 47.0, 0.0), (41.0, 47.0, 1200.0), (40.0, 48.0, 2400.0), (40.25, 47.5, 300.0 + 1200.0)]
    {
        let found = grid.height_m(lat, lon).unwrap();
        assert!((found - expected).abs() < 1e-3, "{lat} {lon}: {found}");
    }
    let between = grid.height_m(40.0 + 0.5 / 1200.0, 47.0 + 0.25 / 1200.0).unwrap();
    assert!((between - 1.0).abs() < 1e-3, "{between}");
    assert_eq!(grid.height_m(39.9, 47.5), None);
    assert_eq!(grid.height_m(40.5, 48.1), None);
    let west = HeightGrid::read("s01w180.hgt", &tile(|_, _| 7)).unwrap();
    assert_eq!(west.height_m(-0.5, 180.5), Some(7.0));
    assert_eq!(west.height_m(-0.5, -179.5), Some(7.0));
}

#[test]
fn voids_are_bridged_by_their_neighbours_and_are_sea_level_where_there_are_none() {
    let bytes = tile(
        |row, column| if (100..200).contains(&row) || (row, column) == (600, 600) { -32_768 } else { 50 },
    );
    let grid = HeightGrid::read("N00E000.hgt", &bytes).unwrap();
    assert_eq!(grid.height_m(0.5 + 0.3 / 1200.0, 0.5), Some(50.0));
    assert_eq!(grid.height_m(0.875, 0.5), None);
    let terrain = Terrain::new(vec![grid]);
    assert!(terrain.height_m(0.875, 0.5).abs() < 1e-9);
    assert!((terrain.highest_m() - 50.0).abs() < 1e-9);
}

#[test]
fn damaged_files_are_refused() {
    let whole = tile(|_, _| 1);
    for (name, bytes) in [
        ("N40E047.hgt", &whole[..whole.len() - 1]),
        ("N40E047.hgt", &[]),
        ("N91E047.hgt", &whole[..]),
        ("N40E047x.hgt", &whole[..]),
        ("N4ÄE047.hgt", &whole[..]),
        ("N+1E047.hgt", &whole[..]),
        ("heights.hgt", &whole[..]),
        ("heights.png", &whole[..]),
        ("heights.tif", &whole[..100]),
        ("heights.tif", b"II*\0\x08\0\0\0"),
        ("heights.tif", b"II*\0\xff\xff\xff\xff"),
    ] {
        assert!(HeightGrid::read(name, bytes).is_err(), "{name} of {} bytes", bytes.len());
    }
    let heights = vec![0.0; 4];
    assert!(HeightGrid::new("x", [0.0, 0.0], [0.0, 1.0], 2, heights.clone()).is_err());
    assert!(HeightGrid::new("x", [0.0, f64::NAN], [1.0, 1.0], 2, heights.clone()).is_err());
    assert!(HeightGrid::new("x", [0.0, 0.0], [1.0, 1.0], 3, heights).is_err());
}

/// A wall from north to south at 10.5° east, 800 m high and 2 km wide.
fn wall() -> Terrain {
    let bytes = tile(|_, column| if (590..=610).contains(&column) { 800 } else { 0 });
    Terrain::new(vec![HeightGrid::read("N00E010.hgt", &bytes).unwrap()])
}

#[test]
fn a_wall_hides_what_is_behind_it_up_to_the_line_over_its_top() {
    let (air, terrain) = (Refraction::default(), wall());
    let antenna = place(0.5, 10.1, 20.0);
    // Before the wall everything is seen, within it nothing below its top.
    assert!(is_clear(&air, Some(&terrain), &antenna, &place(0.5, 10.4, 30.0)));
    assert!(!is_clear(&air, Some(&terrain), &antenna, &place(0.5, 10.5, 700.0)));
    // Behind it, what is over the line through its top.
    let behind = place(0.5, 10.9, 0.0);
    let ground_m = horizon::ground_range_m(&antenna, &behind);
    let top_m = horizon::ground_range_m(&antenna, &place(0.5, 10.0 + 590.0 / 1200.0, 0.0));
    let needed_rad = air.elevation_rad(top_m, antenna.height_m, 800.0);
    let (mut low_m, mut high_m) = (0.0, 10e3);
    for _ in 0..40 {
        let middle_m = 0.5 * (low_m + high_m);
        let is_hidden = air.elevation_rad(ground_m, antenna.height_m, middle_m) < needed_rad;
        if is_hidden { low_m = middle_m } else { high_m = middle_m }
    }
    let seen = |height_m| is_clear(&air, Some(&terrain), &antenna, &place(0.5, 10.9, height_m));
    assert!(!seen(low_m - 15.0) && seen(low_m + 15.0), "{low_m}");
    assert!(is_clear(&air, None, &antenna, &place(0.5, 10.9, low_m - 15.0)));
}

#[test]
fn lines_of_sight_are_the_same_both_ways() {
    let (air, terrain) = (Refraction::default(), wall());
    let mut n_clear = 0;
    for at in 0..400 {
        let a = place(0.5, 10.1 + 0.001 * f64::from(at % 20), 10.0 + 90.0 * f64::from(at % 7));
        let b = place(
            0.3 + 0.02 * f64::from(at % 20),
            10.7 + 0.001 * f64::from(at % 13),
            40.0 * f64::from(at % 40),
        );
        let (there, back) = (is_clear(&air, Some(&terrain), &a, &b), is_clear(&air, Some(&terrain), &b, &a));
        n_clear += u32::from(there);
        // Samples fall on different places of the wall's slopes: only lines that graze it may differ.
        if there != back {
            let raised = |place: &Geodetic, by_m| Geodetic { height_m: place.height_m + by_m, ..*place };
            assert!(is_clear(&air, Some(&terrain), &raised(&a, 40.0), &raised(&b, 40.0)), "{at}");
        }
    }
    assert!((50..350).contains(&n_clear), "{n_clear}");
}

/// A GeoTIFF of 3 rows of 4 heights from 44° east 42° north on, a tenth of a degree each, with a model type.
fn geotiff(model: u16, heights: [i16; 12]) -> Vec<u8> {
    use tiff::encoder::{TiffEncoder, colortype::GrayI16};
    use tiff::tags::Tag;
    let mut file = std::io::Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut file).unwrap();
    let mut image = encoder.new_image::<GrayI16>(4, 3).unwrap();
    let tags = image.encoder();
    tags.write_tag(Tag::ModelPixelScaleTag, &[0.1, 0.1, 0.0][..]).unwrap();
    tags.write_tag(Tag::ModelTiepointTag, &[0.0, 0.0, 0.0, 44.0, 42.0, 0.0][..]).unwrap();
    tags.write_tag(Tag::GeoKeyDirectoryTag, &[1u16, 1, 0, 2, 1024, 0, 1, model, 1025, 0, 1, 2][..]).unwrap();
    tags.write_tag(Tag::GdalNodata, "-99").unwrap();
    image.write_data(&heights).unwrap();
    file.into_inner()
}

#[test]
fn geotiffs_in_degrees_are_read_and_others_refused() {
    let bytes = geotiff(2, [0, 1, 2, 3, 10, 11, -99, 13, 20, 21, 22, 23]);
    let grid = HeightGrid::read("a.tif", &bytes).unwrap();
    for (lat, lon, expected) in
        [(42.0, 44.0, 0.0), (41.8, 44.3, 23.0), (41.85, 44.05, 15.5), (41.95, 44.25, 6.0)]
    {
        let found = grid.height_m(lat, lon).unwrap();
        assert!((found - expected).abs() < 1e-4, "{lat} {lon}: {found} {expected}");
    }
    assert_eq!(grid.height_m(41.9, 44.2), None);
    assert!(HeightGrid::read("a.tif", &geotiff(1, [0; 12])).is_err());
    // Cut anywhere and with any byte changed, it is read or refused.
    for n in 0..bytes.len() {
        let _ = HeightGrid::read("a.tif", &bytes[..n]);
        for flip in [0x01, 0x80, 0xff] {
            let mut damaged = bytes.clone();
            damaged[n] ^= flip;
            let _ = HeightGrid::read("a.tif", &damaged);
        }
    }
}
