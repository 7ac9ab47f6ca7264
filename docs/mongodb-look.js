// In mongosh, in the database of the outbox.
db.waybill_lanes.find({ state: { $ne: 'running' } }); // lanes that wait or have halted, with the failure
db.waybill_outbox.countDocuments({ pending: true }); // committed, and not numbered yet: more than a few thousand means that no dispatcher runs
db.waybill_sequencer.findOne(); // who numbers, until when, and the last number
db.waybill_stopped_streams.find().sort({ stoppedAt: 1 }).limit(20); // streams that wait, the longest first, with the failure
db.waybill_actions.find().sort({ at: -1 }).limit(20); // what operators ordered, and what policies discarded
db.waybill_history.find({ notDelivered: true }).sort({ at: -1 }).limit(20); // the last tries that failed, or were given up
db.waybill_instances.find(); // who is alive, by route
