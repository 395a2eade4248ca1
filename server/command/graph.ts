import { hasErrors, printDiagnostic } from '#pipelines/language/diagnostic.ts'
import { parsePipeline } from '#pipelines/language/parse.ts'
import { drawMermaid, drawText } from '#pipelines/plan/draw.ts'
import { lineGraph } from '#pipelines/plan/layers.ts'
import { readConfig } from './config.ts'
import { RED } from './ending.ts'
import { pipelineFiles, readPipelineFile, templatesHere } from './pipeline-files.ts'
import { note, out, outJson, painted } from './print.ts'

type Options = { json?: true; mermaid?: true }

/** Draw a pipeline file; without a name the first one that a push would bring to life. Needs no server. */
export async function graph(named: string | undefined, { json, mermaid }: Options): Promise<number> {
  const file = named ?? (await pipelineFiles())[0] ?? '.takt.yml'
  const text = await readPipelineFile(file)
  const { pipeline, diagnostics } = parsePipeline(text, await templatesHere(text))
  if (!pipeline || hasErrors(diagnostics)) {
    const config = readConfig()
    if (json) outJson({ file, diagnostics })
    else for (const found of diagnostics) note(painted(printDiagnostic(file, found), config))
    return RED
  }
  const line = lineGraph(pipeline)
  if (json) outJson({ file, diagnostics, ...line, pipeline })
  else out(mermaid ? drawMermaid(line) : drawText(line))
  return 0
}
