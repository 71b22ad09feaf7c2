// SPDX-License-Identifier: GPL-2.0-or-later
// client.mjs MODULES REPOSITORY CLIENT ROOT [TARGET…]: a TUF client of another implementation (tuf-js,
// below the folder MODULES) reads the folder REPOSITORY over HTTP on loopback, with the trusted
// metadata of the folder CLIENT, which starts from the file ROOT. Downloads the targets. Prints
// "METADATA_BYTES REQUESTS"; exit status 1 with the reason when it refuses.
import { createRequire } from "node:module";
import { copyFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join, normalize, resolve } from "node:path";

const [modules, repository, client, root, ...targets] = process.argv.slice(2);
const { Updater } = createRequire(resolve(modules, "client.mjs"))("tuf-js");
let bytes = 0, requests = 0;

function serve(request, response) {
	const path = normalize(decodeURIComponent(new URL(request.url, "http://x").pathname));
	const file = join(repository, path);

	requests++;
	if (!existsSync(file)) {
		response.writeHead(404).end();
		return;
	}
	const data = readFileSync(file);
	if (path.startsWith("/metadata/"))
		bytes += data.length;
	response.writeHead(200, { "Content-Length": data.length }).end(data);
}

async function read(base) {
	mkdirSync(join(client, "targets"), { recursive: true });
	if (!existsSync(join(client, "root.json")))
		copyFileSync(root, join(client, "root.json"));
	const updater = new Updater({
		metadataDir: client,
		targetDir: join(client, "targets"),
		metadataBaseUrl: `${base}/metadata`,
		targetBaseUrl: `${base}/targets`,
		config: { fetchRetry: 0 },
	});
	await updater.refresh();
	for (const [i, target] of targets.entries()) {
		const info = await updater.getTargetInfo(target);
		if (!info)
			throw new Error(`${target}: no role lists it`);
		await updater.downloadTarget(info, join(client, "targets", String(i)));
	}
}

const server = createServer(serve).listen(0, "127.0.0.1", async () => {
	try {
		await read(`http://127.0.0.1:${server.address().port}`);
		console.log(bytes, requests);
	} catch (error) {
		console.error(`${error.name}: ${error.message}`);
		process.exitCode = 1;
	}
	server.close();
	server.closeAllConnections();
});
