// The app's beginning in the browser.
import { connect } from '../lib/rpc';
import { start } from './start';

start(connect);
