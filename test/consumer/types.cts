// The same by require(). Never run.
import adotd = require('adotd');
import client = require('adotd/client');
import testing = require('adotd/testing');

export const start: (options: adotd.StartOptions) => Promise<adotd.RunningServer> = adotd.startServer;
export const made: client.Client = client.createClient();
export const use: typeof testing.useServer = testing.useServer;

// @ts-expect-error: types are there, so mistakes are found.
adotd.startServer({ port: 'any' });
