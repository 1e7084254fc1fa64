import { startTestEngine } from '../support/engine.ts';
import { storyTests } from './story.ts';

storyTests(() => startTestEngine());
