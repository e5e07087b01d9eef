// Writes CodeMirror as one file, with its licences and the SHA-256 of both, into a folder: `make editor`.
// The same package-lock.json gives the same bytes on every machine; a test builds it again and compares.
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2] ?? join(here, "../../src/planlake/report/web/static");

const built = await build({
  absWorkingDir: here,
  entryPoints: ["editor.js"],
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  banner: { js: "/* CodeMirror 6, MIT: codemirror.licences.txt. Made by scripts/editor/build.mjs; change nothing here. */" },
  metafile: true,
  write: false,
});

/** The packages whose code is in the file, in order of their names. */
function packages() {
  const inside = Object.keys(built.metafile.inputs)
    .map((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1])
    .filter(Boolean);
  return [...new Set(inside)].sort();
}

function licence(name) {
  const folder = join(here, "node_modules", name);
  const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  if (license !== "MIT") throw new Error(`${name} ${version} has the licence ${license}: see first whether it may be shipped`);
  const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
  return `${name} ${version}\n\n${readFileSync(join(folder, file), "utf8").trim()}\n`;
}

const files = {
  "codemirror.js": built.outputFiles[0].text,
  "codemirror.licences.txt": packages().map(licence).join(`\n${"-".repeat(72)}\n\n`),
};
const sums = Object.entries(files).map(([name, text]) => `${createHash("sha256").update(text).digest("hex")}  ${name}\n`);
mkdirSync(out, { recursive: true });
for (const [name, text] of Object.entries({ ...files, "codemirror.sha256": sums.join("") })) {
  writeFileSync(join(out, name), text);
}
