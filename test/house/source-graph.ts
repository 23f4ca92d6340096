import { readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { posix, sep } from 'node:path';
import ts from 'typescript';

/** What one source file takes from elsewhere, as TypeScript's own parser sees it. Paths are `src/…`, with `/`. */
export interface SourceNode {
  readonly path: string;
  readonly imports: readonly Import[];
  /** Names of Node's globals (`Buffer`, `process` …) that it uses. */
  readonly nodeGlobals: readonly string[];
  /** It holds nothing but `export … from`. */
  readonly onlyReexports: boolean;
}

export interface Import {
  readonly specifier: string;
  readonly line: number;
  readonly target:
    | { readonly kind: 'file'; readonly path: string }
    | { readonly kind: 'package'; readonly name: string }
    | { readonly kind: 'builtin' };
}

const globalsOnlyNodeHas = new Set([
  'Buffer',
  'process',
  'global',
  'require',
  '__dirname',
  '__filename',
  'setImmediate',
  'clearImmediate',
]);

/** Every TypeScript file below `root/src`. */
export function readSourceGraph(root: string): SourceNode[] {
  return readdirSync(posix.join(root, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.[cm]?[jt]sx?$/.test(entry.name))
    .map((entry) => posix.join(entry.parentPath, entry.name).split(sep).join('/').slice(root.length).replace(/^\//, ''))
    .sort()
    .map((path) => parseSource(path, readFileSync(posix.join(root, path), 'utf8')));
}

/** Counts `import`, `export … from`, `import()` and `import('…').Type`; type-only imports too: they tie just as much. */
export function parseSource(path: string, text: string): SourceNode {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const imports: Import[] = [];
  const nodeGlobals = new Set<string>();

  const note = (literal: ts.Node | undefined) => {
    if (literal === undefined || !ts.isStringLiteralLike(literal)) return;
    const { line } = file.getLineAndCharacterOfPosition(literal.getStart(file));
    imports.push({ specifier: literal.text, line: line + 1, target: resolve(path, literal.text) });
  };
  const visit = (node: ts.Node) => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) note(node.moduleSpecifier);
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) note(node.arguments[0]);
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) note(node.argument.literal);
    else if (ts.isIdentifier(node) && globalsOnlyNodeHas.has(node.text) && !isName(node)) nodeGlobals.add(node.text);
    ts.forEachChild(node, visit);
  };
  visit(file);

  return {
    path,
    imports,
    nodeGlobals: [...nodeGlobals].sort(),
    onlyReexports:
      file.statements.length > 0 &&
      file.statements.every(
        (statement) => ts.isExportDeclaration(statement) && statement.moduleSpecifier !== undefined,
      ),
  };
}

function resolve(from: string, specifier: string): Import['target'] {
  if (specifier.startsWith('.')) return { kind: 'file', path: posix.join(posix.dirname(from), specifier) };
  if (isBuiltin(specifier)) return { kind: 'builtin' };
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
  return { kind: 'package', name };
}

/** The identifier only names a property or a member (`message.process`, `{ process: 1 }`): no use of the global. */
function isName(node: ts.Identifier): boolean {
  const parent = node.parent;
  if (ts.isPropertyAccessExpression(parent)) {
    return parent.name === node && !(ts.isIdentifier(parent.expression) && parent.expression.text === 'globalThis');
  }
  if (ts.isQualifiedName(parent)) return parent.right === node;
  if (ts.isShorthandPropertyAssignment(parent)) return false;
  return 'name' in parent && parent.name === node;
}
