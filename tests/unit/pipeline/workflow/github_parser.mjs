// Texts of workflows as JSON on stdin, the messages of GitHub's own parser for each on stdout. argv[2]: node_modules.
import { readFileSync } from "node:fs";
import { register } from "node:module";

// Node 20 wants an attribute on imports of JSON, which the package leaves out
register(
  "data:text/javascript," +
    encodeURIComponent(`import { readFileSync } from "node:fs";
      export const load = (url, context, next) => url.endsWith(".json")
        ? { format: "module", shortCircuit: true, source: "export default " + readFileSync(new URL(url), "utf8") }
        : next(url, context);`),
);
const parser = `${process.argv[2]}/@actions/workflow-parser/dist`;
const { parseWorkflow, convertWorkflowTemplate, NoOperationTraceWriter } = await import(`${parser}/index.js`);
const { TemplateContext, TemplateValidationErrors } = await import(`${parser}/templates/template-context.js`);
const { getWorkflowSchema } = await import(`${parser}/workflows/workflow-schema.js`);
const featureFlags = { isEnabled: () => true };
const answers = [];
for (const content of JSON.parse(readFileSync(0, "utf8"))) {
  const context = new TemplateContext(new TemplateValidationErrors(), getWorkflowSchema(), new NoOperationTraceWriter());
  context.state.featureFlags = featureFlags;
  const parsed = parseWorkflow({ name: "x.yml", content }, context);
  const messages = context.errors.getErrors().map((error) => error.message);
  if (messages.length === 0 && parsed.value) {
    const template = await convertWorkflowTemplate(context, parsed.value, undefined, { featureFlags });
    messages.push(...(template.errors ?? []).map((error) => error.Message));
  }
  answers.push(messages);
}
console.log(JSON.stringify(answers));
