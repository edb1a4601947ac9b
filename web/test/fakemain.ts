// The app over the fake core: what test/ui.mjs opens.
import { start } from '../app/start';
import { fakeConnect } from './fakecore';

start(fakeConnect);
