/**
 * A program that passes for `mongod`: listens where its arguments say, speaks the wire protocol, and knows the few commands that
 * make a replica set. Holds no data. `--fail <words>` makes it say the words and end instead.
 */
import { deserialize, serialize, type Document } from 'bson';
import { createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

const HEADER_BYTES = 16;
const OP_REPLY = 1;
const OP_QUERY = 2004;
const OP_MSG = 2013;

const option = (name: string): string | undefined => process.argv[process.argv.indexOf(name, 2) + 1 || process.argv.length];
const me = `127.0.0.1:${option('--port')}`;
const setName = option('--replSet');
let hosts: string[] | undefined;

const failure = option('--fail');
console.log('{"s":"I","msg":"Initialized wire specification"}');
if (failure !== undefined) {
  console.log(failure);
  process.exit(1);
}
createServer(serve).listen(Number(option('--port')), '127.0.0.1', () => console.log('{"msg":"Waiting for connections"}'));

function serve(socket: Socket): void {
  let received: Buffer = Buffer.alloc(0);
  socket.on('error', () => undefined);
  socket.on('data', (bytes: Buffer) => {
    received = Buffer.concat([received, bytes]);
    while (received.length >= HEADER_BYTES && received.length >= received.readInt32LE(0)) {
      const message = received.subarray(0, received.readInt32LE(0));
      received = received.subarray(message.length);
      void answer(message).then((reply) => socket.write(reply));
    }
  });
}

async function answer(message: Buffer): Promise<Buffer> {
  const [requestId, opCode] = [message.readInt32LE(4), message.readInt32LE(12)];
  if (opCode === OP_QUERY) {
    const begin = message.indexOf(0, HEADER_BYTES + 4) + 1 + 8; // behind flags, name, and two numbers
    const fixed = Buffer.alloc(20);
    fixed.writeInt32LE(1, 16);
    return framed(OP_REPLY, requestId, Buffer.concat([fixed, serialize(await execute(deserialize(message.subarray(begin))))]));
  }
  const body = await execute(deserialize(message.subarray(HEADER_BYTES + 5)));
  return framed(OP_MSG, requestId, Buffer.concat([Buffer.alloc(5), serialize(body)]));
}

function framed(opCode: number, responseTo: number, body: Buffer): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  [HEADER_BYTES + body.length, 1, responseTo, opCode].forEach((value, index) => header.writeInt32LE(value, 4 * index));
  return Buffer.concat([header, body]);
}

async function execute(command: Document): Promise<Document> {
  switch (Object.keys(command)[0]?.toLowerCase()) {
    case 'hello':
    case 'ismaster':
      return hello();
    case 'replsetinitiate':
      return initiate(command['replSetInitiate'] as { readonly _id: string; readonly members: readonly { readonly host: string }[] });
    case 'replsetgetstatus':
      return { ok: 1, members: hosts?.map((host) => ({ name: host, state: host === me ? 1 : 2 })) };
    case 'buildinfo':
      return { ok: 1, version: '8.0.99' };
    case 'getcmdlineopts':
      return { ok: 1, argv: process.argv.slice(1) };
    case 'serverstatus':
      return { ok: 1, pid: process.pid };
    case 'ping':
    case 'endsessions':
      return { ok: 1 };
    default:
      return { ok: 0, code: 59, codeName: 'CommandNotFound', errmsg: `no such command: ${Object.keys(command)[0]}` };
  }
}

function hello(): Document {
  const always = { ok: 1, minWireVersion: 0, maxWireVersion: 25, maxBsonObjectSize: 16_777_216, logicalSessionTimeoutMinutes: 30 };
  if (setName === undefined) return { ...always, ismaster: true, isWritablePrimary: true };
  if (hosts === undefined) return { ...always, ismaster: false, isWritablePrimary: false, isreplicaset: true };
  return { ...always, ismaster: true, isWritablePrimary: true, setName, setVersion: 1, hosts, me, primary: me };
}

async function initiate({
  _id,
  members,
}: {
  readonly _id: string;
  readonly members: readonly { readonly host: string }[];
}): Promise<Document> {
  if (_id !== setName) return { ok: 0, code: 93, codeName: 'InvalidReplicaSetConfig', errmsg: 'another name' };
  await delay(10);
  hosts = members.map(({ host }) => host);
  return { ok: 1 };
}
