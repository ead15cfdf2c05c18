// Listens for NOTIFY on UDP until it is ended. Prints `listening`, then each message in hexadecimal, and answers it with NOERROR.

import { createSocket } from 'node:dgram';

const [address, port] = process.argv.slice(2);
const QR = 0x80;

const socket = createSocket('udp4');
socket.on('message', (message, from) => {
  console.log(message.toString('hex'));
  const answer = Buffer.from(message);
  answer[2] |= QR;
  socket.send(answer, from.port, from.address);
});
socket.bind(Number(port), address, () => console.log('listening'));
