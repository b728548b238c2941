// Puts the pages beside the compiled scripts, so that dist/ is the whole web part.
import { cpSync } from "node:fs";
import { fileURLToPath } from "node:url";

for (const name of ["index.html", "app.css"]) {
  const from = fileURLToPath(new URL(`../${name}`, import.meta.url));
  cpSync(from, fileURLToPath(new URL(`../dist/${name}`, import.meta.url)));
}
