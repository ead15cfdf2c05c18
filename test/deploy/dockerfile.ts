/** A Dockerfile as its stages of instructions; reads the forms that ours uses, and refuses others. */
import { DockerfileParser, type Instruction, type JSONInstruction } from 'dockerfile-ast';

export interface Step {
  /** In capitals. */
  readonly keyword: string;
  readonly flags: Readonly<Record<string, string>>;
  /** In exec form (`["npm", "ci"]`) the command and its arguments, otherwise the words, variables replaced. */
  readonly words: readonly string[];
  readonly exec: boolean;
}

export interface Stage {
  readonly base: string;
  readonly name: string | undefined;
  readonly steps: readonly Step[];
}

/** Throws for an instruction before the first FROM that is not ARG. */
export function stagesOf(text: string): Stage[] {
  const variables = new Map<string, string>();
  const stages: { base: string; name: string | undefined; steps: Step[] }[] = [];
  for (const instruction of DockerfileParser.parse(text).getInstructions()) {
    const step = stepOf(instruction);
    if (step.keyword === 'ARG' && stages.length === 0) {
      const [name = '', value = ''] = (step.words[0] ?? '').split('=');
      variables.set(name, value);
    } else if (step.keyword === 'FROM') {
      const [base = '', , name] = step.words;
      stages.push({ base: base.replace(/\$\{(\w+)\}/, (_, key: string) => variables.get(key) ?? ''), name, steps: [] });
    } else {
      const stage = stages.at(-1);
      if (stage === undefined) throw new Error(`${step.keyword} before FROM`);
      stage.steps.push(step);
    }
  }
  return stages;
}

/** All steps that make an image: those of the stages that it is built upon, then those of its own (by default the last, without a name). */
export function imageSteps(stages: readonly Stage[], name?: string): Step[] {
  const stage = stages.find((one) => one.name === name);
  if (stage === undefined) return [];
  return [
    ...imageSteps(
      stages.filter((one) => one !== stage && one.name !== undefined),
      stage.base,
    ),
    ...stage.steps,
  ];
}

/** The words of the last of these steps that has the keyword. */
export function wordsOf(steps: readonly Step[], keyword: string): readonly string[] {
  return steps.findLast((step) => step.keyword === keyword)?.words ?? [];
}

function stepOf(instruction: Instruction): Step {
  const flagged = instruction as Partial<JSONInstruction> & Instruction;
  const flags = Object.fromEntries((flagged.getFlags?.() ?? []).map((flag) => [flag.getName(), flag.getValue() ?? '']));
  const words = instruction.getArguments().map((argument) => argument.getValue());
  const own = words.filter((word) => !word.startsWith('--'));
  const text = own.join(' ');
  const list = text.slice(text.indexOf('['));
  const exec = /^(CMD )?\[/.test(text);
  return { keyword: instruction.getKeyword(), flags, words: exec ? execForm(list) : own, exec };
}

function execForm(text: string): string[] {
  const words: unknown = JSON.parse(text);
  if (!Array.isArray(words) || !words.every((word) => typeof word === 'string')) throw new Error(`not a list: ${text}`);
  return words;
}

/** Whether .dockerignore lets a path of the context through. The last pattern that matches the path or a folder of it decides. */
export function reachesBuilder(ignore: string, path: string): boolean {
  let ignored = false;
  for (const line of ignore.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const pattern = line.replace(/^!/, '');
    if (pattern === '*' || path === pattern || path.startsWith(`${pattern}/`)) ignored = !line.startsWith('!');
  }
  return !ignored;
}
