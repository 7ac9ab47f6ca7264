// In mongosh, in the database of the outbox, before any dispatcher starts.
const [{ info }] = db.getCollectionInfos({ name: 'waybill_outbox' });
db.waybill_identity.updateOne({ _id: 'outbox' }, { $set: { collection: info.uuid.toString('hex') } });
