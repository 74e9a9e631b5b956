// Bundles src/ into dist/ (or a folder that is named). What is built depends on the sources and package-lock.json only.
import { build } from "esbuild";
import { geoArea } from "d3-geo";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { feature } from "topojson-client";

const out = process.argv[2] ?? "dist";
await mkdir(out, { recursive: true });
await build({
  entryPoints: { page: "src/main.ts" },
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  outdir: out,
  charset: "utf8",
  legalComments: "none",
});
await build({ entryPoints: { page: "src/style/page.css" }, bundle: true, minify: true, outdir: out, charset: "utf8" });
await copyFile("src/index.html", `${out}/index.html`);
await copyFile("src/icon.svg", `${out}/icon.svg`);

// Natural Earth's land. Three of its four thousand polygons run the wrong way round, and would flood the map with land.
const topology = JSON.parse(await readFile("node_modules/world-atlas/land-10m.json", "utf8"));
for (const geometry of topology.objects.land.geometries) {
  geometry.arcs = geometry.arcs.map((rings) =>
    geoArea(feature(topology, { type: "Polygon", arcs: rings })) < 2 * Math.PI
      ? rings
      : rings.map((ring) => ring.toReversed().map((arc) => ~arc)),
  );
}
await writeFile(`${out}/coastline.json`, JSON.stringify(topology));
