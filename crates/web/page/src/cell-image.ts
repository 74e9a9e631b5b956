// A picture of cells (bytes) through a colour lookup: as a WebGL texture, or by hand where there is no WebGL.

import { CanvasCellImage } from "./cell-image-canvas.ts";
import { hasGraphicsCard } from "./rendering.ts";

/** What is drawn of the cells, and where. */
export interface Drawing {
  /** In pixels of the canvas, from its upper left. */
  left: number;
  top: number;
  width: number;
  height: number;
  /** Columns at the left and right edge, rows at the lower and upper; fractions of cells count. */
  col0: number;
  col1: number;
  row0: number;
  row1: number;
  /** Row of the texture that is row 0: what is written round and round begins there. */
  firstRow: number;
  /** Bytes that get the first and the last colour. */
  low: number;
  high: number;
}

export interface CellImage {
  readonly kind: "webgl" | "canvas";
  resize(rows: number, cols: number): void;
  setPalette(table: Uint8Array<ArrayBuffer>): void;
  write(row: number, rows: number, cells: Uint8Array): void;
  /** Before each drawing: a canvas of marks is cleared by those who draw them. */
  clear(): void;
  draw(drawing: Drawing): void;
}

/** The best that there is: WebGL on a canvas of its own, which `under` makes, or by hand on the canvas of the marks. */
export function cellImage(marks: CanvasRenderingContext2D, under: () => HTMLCanvasElement): CellImage {
  const gl = hasGraphicsCard() ? under().getContext("webgl2", { antialias: false }) : null;
  return gl ? new WebglCellImage(gl) : new CanvasCellImage(marks);
}

const VERTEX = `#version 300 es
in vec2 corner;
out vec2 at;
uniform vec4 window; // col0, row0, col1, row1
void main() {
  at = mix(window.xy, window.zw, corner);
  gl_Position = vec4(corner * 2.0 - 1.0, 0.0, 1.0);
}`;

// Where several cells fall on a pixel the greatest counts: a target of one cell must not vanish.
const FRAGMENT = `#version 300 es
precision highp float;
precision highp sampler2D;
in vec2 at;
out vec4 colour;
uniform sampler2D cells;
uniform sampler2D palette;
uniform ivec2 size;     // cols, rows
uniform int firstRow;
uniform vec2 perPixel;  // cells on a pixel
uniform vec2 limits;    // low, high
void main() {
  ivec2 from = ivec2(floor(at - 0.5 * perPixel + 0.5));
  ivec2 upTo = ivec2(floor(at + 0.5 * perPixel - 0.5));
  ivec2 middle = ivec2(floor(at));
  if (perPixel.x <= 1.0) { from.x = middle.x; upTo.x = middle.x; }
  if (perPixel.y <= 1.0) { from.y = middle.y; upTo.y = middle.y; }
  upTo = min(max(upTo, from), from + 7);
  float most = 0.0;
  for (int y = from.y; y <= upTo.y; y++) {
    int row = (clamp(y, 0, size.y - 1) + firstRow) % size.y;
    for (int x = from.x; x <= upTo.x; x++) {
      most = max(most, texelFetch(cells, ivec2(clamp(x, 0, size.x - 1), row), 0).r);
    }
  }
  float scaled = (most * 255.0 - limits.x) / max(limits.y - limits.x, 1e-3);
  colour = texelFetch(palette, ivec2(int(clamp(scaled, 0.0, 1.0) * 255.0 + 0.5), 0), 0);
}`;

class WebglCellImage implements CellImage {
  readonly kind = "webgl";
  private program!: WebGLProgram;
  private texture!: WebGLTexture;
  private rows = 0;
  private cols = 0;
  private palette: Uint8Array<ArrayBuffer> | null = null;
  private uniforms = new Map<string, WebGLUniformLocation | null>();

  constructor(private readonly gl: WebGL2RenderingContext) {
    this.prepare();
    const canvas = gl.canvas as HTMLCanvasElement;
    // A context can be taken away (the graphics driver restarts). Cells come again with the next frame.
    canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
    canvas.addEventListener("webglcontextrestored", () => {
      this.prepare();
      const { rows, cols } = this;
      this.rows = this.cols = 0;
      if (rows > 0) this.resize(rows, cols);
      if (this.palette) this.setPalette(this.palette);
    });
  }

  private prepare(): void {
    const { gl } = this;
    const program = gl.createProgram();
    for (const [type, source] of [
      [gl.VERTEX_SHADER, VERTEX],
      [gl.FRAGMENT_SHADER, FRAGMENT],
    ] as const) {
      const shader = gl.createShader(type);
      if (!shader) return; // The context is lost.
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.bindAttribLocation(program, 0, "corner");
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) {
      throw new Error(`shaders: ${gl.getProgramInfoLog(program) ?? "no message"}`);
    }
    this.program = program;
    this.uniforms.clear();
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([0, 0, 1, 0, 0, 1, 1, 1]), gl.STATIC_DRAW);
    gl.enableVertexAttribArray(0);
    gl.vertexAttribPointer(0, 2, gl.FLOAT, false, 0, 0);
    this.texture = this.makeTexture(0);
    this.makeTexture(1);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
  }

  private makeTexture(unit: number): WebGLTexture {
    const { gl } = this;
    const texture = gl.createTexture();
    gl.activeTexture(gl.TEXTURE0 + unit);
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
    return texture;
  }

  private uniform(name: string): WebGLUniformLocation | null {
    let place = this.uniforms.get(name);
    if (place === undefined) this.uniforms.set(name, (place = this.gl.getUniformLocation(this.program, name)));
    return place;
  }

  resize(rows: number, cols: number): void {
    if (rows === this.rows && cols === this.cols) return;
    this.rows = rows;
    this.cols = cols;
    const { gl } = this;
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, this.texture);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.R8, cols, rows, 0, gl.RED, gl.UNSIGNED_BYTE, null);
  }

  setPalette(table: Uint8Array<ArrayBuffer>): void {
    const { gl } = this;
    this.palette = table;
    gl.activeTexture(gl.TEXTURE1);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, 256, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, table);
  }

  write(row: number, rows: number, cells: Uint8Array): void {
    const { gl } = this;
    gl.activeTexture(gl.TEXTURE0);
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, row, this.cols, rows, gl.RED, gl.UNSIGNED_BYTE, cells);
  }

  clear(): void {
    const { gl } = this;
    gl.disable(gl.SCISSOR_TEST);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
  }

  draw(d: Drawing): void {
    const { gl } = this;
    if (this.rows === 0 || d.width < 1 || d.height < 1) return;
    gl.viewport(d.left, gl.drawingBufferHeight - d.top - d.height, d.width, d.height);
    gl.useProgram(this.program);
    gl.uniform4f(this.uniform("window"), d.col0, d.row0, d.col1, d.row1);
    gl.uniform1i(this.uniform("cells"), 0);
    gl.uniform1i(this.uniform("palette"), 1);
    gl.uniform2i(this.uniform("size"), this.cols, this.rows);
    gl.uniform1i(this.uniform("firstRow"), d.firstRow);
    gl.uniform2f(
      this.uniform("perPixel"),
      Math.abs(d.col1 - d.col0) / d.width,
      Math.abs(d.row1 - d.row0) / d.height,
    );
    gl.uniform2f(this.uniform("limits"), d.low, d.high);
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
  }
}
