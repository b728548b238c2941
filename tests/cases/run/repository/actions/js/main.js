const fs = require("fs");
const user = process.env.INPUT_USER_NAME;
if (user === "nobody") process.exit(1);
console.log(`main ${user}`);
fs.appendFileSync(process.env.GITHUB_OUTPUT, "answer=42\n");
fs.appendFileSync(process.env.GITHUB_ENV, "JS_ENV=from js\n");
fs.appendFileSync(process.env.GITHUB_STATE, "saved=kept\n");
