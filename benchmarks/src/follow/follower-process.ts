import { connectTo } from '../connect-to.js';
import { processorTime } from '../processor.js';
import { followByHand } from './follow-by-hand.js';
import { followByOurs } from './follow-by-ours.js';
import type { FollowerOrder, FollowerReport, FollowerTask } from './follower-task.js';

const SAMPLE_MS = 100;

const task = JSON.parse(process.argv[2]!) as FollowerTask;
const connection = connectTo(task.address);
const { until, close } = await (task.by === 'ours' ? followByOurs(task, connection) : followByHand(task, connection));

process.on('message', ({ through }: FollowerOrder) => {
  if (through === 'end') return void close().then(() => connection.close().then(() => process.disconnect()));
  const residentMB = [process.memoryUsage.rss() / 2 ** 20];
  const sampling = setInterval(() => void residentMB.push(process.memoryUsage.rss() / 2 ** 20), SAMPLE_MS);
  const needed = processorTime();
  void until(through).then((followed) => {
    clearInterval(sampling);
    const report: FollowerReport = { ...followed, processorMs: needed(), residentMB };
    process.send!(report);
  });
});
process.send!('ready');
