import { Int32 } from 'bson';
import type { Document } from 'bson';
import { CODES, ServerError } from '../server-error.js';
import type { Plan } from '../store/plan.js';
import type { Search } from '../store/search.js';
import { Context } from './context.js';
import { searchOf } from './find.js';

/** Explains `find`, with the stages that a server would name: IXSCAN below FETCH, COLLSCAN, SORT where one is done. */
export function explain(context: Context): Document {
  const { arguments: given, invocation, surroundings, standing } = context;
  const body = given.required('explain');
  const [name] = Object.keys(body);
  if (name !== 'find') throw new ServerError(CODES.BadValue, `This emulator explains 'find' only, not '${name}'`);
  const find = new Context({ ...invocation, name, body }, surroundings, standing);
  const search = searchOf(find);
  const queryPlanner = {
    namespace: `${find.db}.${find.collection}`,
    winningPlan: search ? winningPlan(search) : { stage: 'EOF' },
    rejectedPlans: [],
  };
  if (given.string('verbosity') === 'queryPlanner') return { explainVersion: '1', queryPlanner };
  return { explainVersion: '1', queryPlanner, executionStats: statsOf(search, find) };
}

function statsOf(search: Search | undefined, find: Context): Document {
  const limit = (find.arguments.positiveCount('limit') ?? Number.POSITIVE_INFINITY) + (find.arguments.count('skip') ?? 0);
  let nReturned = 0;
  for (const _found of search?.results() ?? []) if (++nReturned >= limit) break;
  const { keys = 0, documents = 0 } = search?.examined ?? {};
  return { executionSuccess: true, nReturned, executionTimeMillis: 0, totalKeysExamined: keys, totalDocsExamined: documents };
}

function winningPlan(search: Search): Document {
  const inputStage = stageOf(search.plan);
  return search.sorts ? { stage: 'SORT', inputStage } : inputStage;
}

function stageOf(plan: Plan): Document {
  switch (plan.by) {
    case 'ids':
      return fetch({ stage: 'IXSCAN', keyPattern: { _id: new Int32(1) }, indexName: '_id_', direction: 'forward' });
    case 'index': {
      const { index, isBackward } = plan;
      const { key, name } = index.definition;
      return fetch({ stage: 'IXSCAN', keyPattern: key, indexName: name, direction: isBackward ? 'backward' : 'forward' });
    }
    case 'branches':
      return {
        stage: 'SUBPLAN',
        inputStage: fetch({ stage: 'OR', inputStages: plan.branches.map((branch) => stageOf(branch).inputStage as Document) }),
      };
    case 'collection':
      return { stage: 'COLLSCAN', direction: plan.isBackward ? 'backward' : 'forward' };
  }
}

function fetch(inputStage: Document): Document {
  return { stage: 'FETCH', inputStage };
}
