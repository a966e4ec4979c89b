// Reads the golden files of SQL Server and Oracle with the ANTLR grammars of T-SQL
// and PL/SQL. Syntax is all that a grammar knows: not names, types or rights.
// Usage: node check.cjs FOLDER-OF-THE-GOLDEN-FILES

const fs = require('fs');
const path = require('path');
const {CharStreams, CommonTokenStream, TSqlLexer, TSQLGrammar, PlSqlLexer, PlSQLGrammar} = require('antlr4ts-sql');

// The grammars are written in capitals.
class Capitals {
	constructor(inner) { this.inner = inner; }
	get index() { return this.inner.index; }
	get size() { return this.inner.size; }
	get sourceName() { return this.inner.sourceName; }
	consume() { this.inner.consume(); }
	LA(i) { const c = this.inner.LA(i); return c >= 97 && c <= 122 ? c - 32 : c; }
	mark() { return this.inner.mark(); }
	release(marker) { this.inner.release(marker); }
	seek(index) { this.inner.seek(index); }
	getText(interval) { return this.inner.getText(interval); }
}

function complaint(Lexer, Parser, rule, text) {
	let first = '';
	const listener = {syntaxError(_, __, line, column, message) { first = first || `${line}:${column} ${message}`; }};
	const lexer = new Lexer(new Capitals(CharStreams.fromString(text)));
	const parser = new Parser(new CommonTokenStream(lexer));
	for (const stage of [lexer, parser]) {
		stage.removeErrorListeners();
		stage.addErrorListener(listener);
	}
	parser[rule]();
	return first;
}

const vendors = {
	sqlserver: {
		read: s => complaint(TSqlLexer, TSQLGrammar.TSqlParser, 'tsql_file', s),
		foreign: ['SELECT a FROM t LIMIT 5', 'SELECT `a` FROM t', 'INSERT INTO t VALUES (1', 'SELECT a FROM t FETCH FIRST 5 ROWS ONLY', 'SELECT :1'],
	},
	oracle: {
		read: s => complaint(PlSqlLexer, PlSQLGrammar.PlSqlParser, 'sql_script', /^(LOCK|CREATE) /.test(s) ? s + ';' : s),
		foreign: ['SELECT a FROM t LIMIT 5', 'SELECT [a] FROM t', 'INSERT INTO t (a) VALUES (1),(2)', 'INSERT INTO t VALUES (1', 'SELECT @p1 FROM dual'],
	},
};

let failed = 0;
for (const [name, vendor] of Object.entries(vendors)) {
	const golden = ['statements', 'ledger'].map(kind => fs.readFileSync(path.join(process.argv[2], `${kind}.${name}.golden`), 'utf8')).join('\n\n');
	const statements = new Set(golden.split('\n\n').filter(p => p.includes('\n;')).map(p => p.split('\n;')[0]).filter(s => !s.startsWith('[the driver')));
	for (const s of statements) {
		const message = vendor.read(s);
		if (message) {
			failed++;
			console.log(`${name}: ${message}\n    ${s}`);
		}
	}
	for (const s of vendor.foreign) {
		if (!vendor.read(s)) {
			failed++;
			console.log(`${name}: the grammar proves nothing, it takes ${s}`);
		}
	}
	console.log(`${name}: ${statements.size} statements read, ${vendor.foreign.length} foreign ones refused`);
	failed += statements.size < 60;
}
process.exit(failed ? 1 : 0);
