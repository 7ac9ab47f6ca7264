/** The payment service, a program of its own. Ends when its parent is gone. */
import type { PaymentOrder } from '../child-orders.js';
import { Ledger } from './ledger.js';
import { PaymentService } from './payment-service.js';

const { ledger, port } = JSON.parse(process.argv[2] ?? '') as PaymentOrder;
process.once('disconnect', () => process.exit());
process.on('SIGINT', () => {}); // a Ctrl-C is for the demo, which then ends this process

const service = new PaymentService(new Ledger(ledger));
process.once('message', () => void service.close().then(() => process.disconnect())); // "stop"
process.send?.({ kind: 'ready', port: await service.listen(port) });
