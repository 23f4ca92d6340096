import type { Team } from '../team.ts';

const planner = 'Planner';
const writer = 'Writer';

/**
 * A team for a first look at people in a run: scripted, offline, asks no model. A person approves its plan before it
 * begins, and then is asked one question. It is repeatable, so it waits and goes on across restarts.
 */
export const demoApprovalTeam: Team = {
  id: 'demo-approval',
  name: 'Demo team that asks',
  description: 'Scripted agents that wait for an approval, then ask a question. Works offline; no model is asked.',
  agents: [
    { name: planner, description: 'Says what will be done. Scripted.' },
    { name: writer, description: 'Asks for a name, then greets it. Scripted.' },
  ],
  needsApproval: true,
  repeatable: true,
  async plan({ description }) {
    return {
      facts: `The task was given as “${description.slice(0, 200)}”. These are scripted agents: nobody will work on it.`,
      steps: [
        { agent: planner, action: 'Says that the plan was approved' },
        { agent: writer, action: 'Asks you a question, and writes a greeting with what you answer' },
      ],
    };
  },
  async run(context) {
    context.progress({ currentStep: 1, totalSteps: 2, agentName: planner, description: 'Begins' });
    await context.say({
      agentName: planner,
      content: 'The plan is approved. This run waited for it in the database, in no process.',
    });
    context.progress({ currentStep: 2, totalSteps: 2, agentName: writer, description: 'Asks, then writes' });
    const { text } = await context.ask({
      kind: 'clarification',
      question: 'Whom shall we greet?',
      context: 'Answer in your own time: the server may be stopped and started meanwhile.',
      asker: writer,
    });
    const content = `Hello, ${text.trim() || 'nobody in particular'}! Your answer was stored before we heard it.`;
    await context.say({ agentName: writer, content });
    return { agentName: writer, content };
  },
};
