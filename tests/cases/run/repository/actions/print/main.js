const own = (process.env.GITHUB_ACTION_PATH || "").endsWith("print");
console.log(`extra=${process.env.INPUT_EXTRA} path=${own ? "own" : "none"}`);
