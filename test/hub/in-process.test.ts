import { createInProcessHub } from '../../src/hub/in-process/hub.ts';
import { describeHub } from '../conformance/hub.ts';

describeHub('in-process', async () => {
  const hub = createInProcessHub();
  const nodes: ReturnType<typeof hub.connect>[] = [];
  return {
    node: async () => {
      const node = hub.connect();
      nodes.push(node);
      return node;
    },
    close: async () => {
      for (const node of nodes) await node.close();
    },
  };
});
