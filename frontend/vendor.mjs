// npm ci --ignore-scripts && node vendor.mjs   -> copies pinned assets into static/vendor, builds the icon sprite,
// writes vendor.lock.json (version, npm integrity, licence, sha384 of every file) and THIRD_PARTY_LICENSES.txt.
// node vendor.mjs --check   -> no npm needed: re-hashes static/vendor against vendor.lock.json (run it in CI).
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync, rmSync, existsSync, readdirSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { gzipSync } from "node:zlib";
const OUT = process.env.VENDOR_OUT || "../static/vendor", LOCK = "vendor.lock.json";
const ALLOW = ["MIT", "BSD-2-Clause", "BSD-3-Clause", "0BSD", "ISC", "Apache-2.0", "OFL-1.1"];
// npm metadata that is missing or spelt oddly; each was read in the package's own LICENSE file
const LICENCE = { "htmx.org": "0BSD" };
const F = {
  "bootstrap": { "dist/css/bootstrap.min.css": "bootstrap.min.css", "dist/js/bootstrap.bundle.min.js": "bootstrap.bundle.min.js" },
  "htmx.org": { "dist/htmx.min.js": "htmx.min.js" },
  "idiomorph": { "dist/idiomorph-ext.min.js": "idiomorph-ext.min.js" },
  "sortablejs": { "Sortable.min.js": "sortable.min.js" },
  "@fontsource-variable/inter": { "index.css": "inter.css", ...Object.fromEntries(
    ["latin", "latin-ext", "cyrillic", "cyrillic-ext", "greek", "greek-ext", "vietnamese"].map(s => [`files/inter-${s}-wght-normal.woff2`, `files/inter-${s}-wght-normal.woff2`])) },
};
const sha = b => "sha384-" + createHash("sha384").update(b).digest("base64");
const walk = d => readdirSync(d).flatMap(f => { const p = join(d, f); return statSync(p).isDirectory() ? walk(p) : [p]; });
if (process.argv.includes("--check")) {
  const lock = JSON.parse(readFileSync(LOCK)), want = Object.assign({}, ...Object.values(lock).map(p => p.files));
  const bad = Object.entries(want).filter(([f, v]) => !existsSync(join(OUT, f)) || sha(readFileSync(join(OUT, f))) !== v.sha384).map(e => e[0]);
  const extra = walk(OUT).map(f => relative(OUT, f)).filter(f => !want[f]);
  console.log(bad.length || extra.length ? { bad, extra } : `ok: ${Object.keys(want).length} files match ${LOCK}`);
  process.exit(bad.length || extra.length ? 1 : 0);
}
const pins = JSON.parse(readFileSync("package.json")).dependencies, plock = JSON.parse(readFileSync("package-lock.json")).packages;
rmSync(OUT, { recursive: true, force: true });
const lock = {}; let notices = "";
const put = (pkg, name, buf) => {
  const rel = `${pkg.replace("@", "").replace("/", "-")}/${name}`, to = join(OUT, rel);
  mkdirSync(dirname(to), { recursive: true }); writeFileSync(to, buf);
  lock[pkg].files[rel] = { sha384: sha(buf), bytes: buf.length, gz: gzipSync(buf, { level: 9 }).length };
};
for (const pkg of Object.keys(pins)) {
  const dir = join("node_modules", pkg), meta = JSON.parse(readFileSync(join(dir, "package.json")));
  const licence = LICENCE[pkg] || meta.license;
  if (meta.version !== pins[pkg]) throw Error(`${pkg} ${meta.version} installed, ${pins[pkg]} pinned`);
  if (!ALLOW.includes(licence)) throw Error(`${pkg}: licence ${licence} not allowed`);
  lock[pkg] = { version: meta.version, licence, npm_integrity: plock[dir].integrity, files: {} };
  const lf = readdirSync(dir).find(f => /^licen[cs]e/i.test(f));
  notices += `==== ${pkg} ${meta.version} (${licence})\n${lf ? readFileSync(join(dir, lf), "utf8") : "(package ships no licence text)"}\n\n`;
  for (const [from, to] of Object.entries(F[pkg] || {})) {
    let b = readFileSync(join(dir, from));
    if (/\.(js|css)$/.test(from)) b = Buffer.from(b.toString().replace(/\n?(\/\/|\/\*)# sourceMappingURL=\S+(\s*\*\/)?\s*$/, "\n")); // ManifestStaticFilesStorage would look for the map
    put(pkg, to, b);
  }
}
// icon sprite: only the names in icons.txt ("name" outline, "name:filled")
const names = readFileSync("icons.txt", "utf8").split(/\s+/).filter(Boolean);
const sym = names.map(n => {
  const [id, kind = "outline"] = n.split(":");
  const svg = readFileSync(join("node_modules/@tabler/icons/icons", kind, id + ".svg"), "utf8");
  const inner = svg.replace(/^[\s\S]*?<svg[\s\S]*?>/, "").replace(/<\/svg>\s*$/, "").replace(/<path stroke="none" d="M0 0h24v24H0z" fill="none"\s*\/>/, "").replace(/\s+/g, " ").trim();
  return `<symbol id="${id}" viewBox="0 0 24 24">${inner}</symbol>`;
}).join("\n");
put("@tabler/icons", "icons.svg", Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg">\n${sym}\n</svg>\n`));
// the accessibility checks of the browser tests use axe-core; it is never shipped
writeFileSync("../tests/e2e/axe.min.js", readFileSync("node_modules/axe-core/axe.min.js"));
writeFileSync(LOCK, JSON.stringify(lock, null, 1) + "\n"); writeFileSync("THIRD_PARTY_LICENSES.txt", notices);
for (const [p, v] of Object.entries(lock)) for (const [f, i] of Object.entries(v.files)) console.log(String((i.gz / 1000).toFixed(1)).padStart(7), "kB gz", f, v.version, v.licence);
