// Writes the tree of each text on standard input, as the npm package makes it: a JSON string a line, a tree a line.
// Where the package cannot parse a text, it is `null`.
const { createRequire } = require('node:module');
const { createInterface } = require('node:readline');

const { parse } = createRequire(`${process.argv[2]}/`)('@rocket.chat/message-parser');
const options = {
    colors: true,
    emoticons: true,
    katex: { dollarSyntax: true, parenthesisSyntax: true },
    customDomains: ['corp'],
};

function tree(text) {
    try {
        return parse(text, options);
    } catch {
        return null;
    }
}

createInterface({ input: process.stdin }).on('line', (line) => {
    console.log(JSON.stringify(tree(JSON.parse(line))));
});
