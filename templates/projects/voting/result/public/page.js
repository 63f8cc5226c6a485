'use strict';
// Addresses are relative: only the gateway knows under which path this page is.

const byId = (id) => document.getElementById(id);
const plural = (votes) => (votes === 1 ? '1 vote' : `${votes.toLocaleString('en')} votes`);

const LEADING = { mountains: 'The mountains lead', sea: 'The sea leads' };

function headline(choices, total) {
  const [first, second] = [...choices].sort((a, b) => b.votes - a.votes);
  if (total === 0) return 'Nobody has voted yet';
  return first.votes === second.votes ? 'A dead heat' : LEADING[first.key];
}

/** Rounded so that they add up to 100. */
function wholePercents([first, second], total) {
  const share = Math.round((100 * first.votes) / total);
  return { [first.key]: share, [second.key]: 100 - share };
}

function show({ choices, total }) {
  const shares = wholePercents(choices, total);
  byId('headline').textContent = headline(choices, total);
  byId('total').textContent = total === 0 ? 'The first vote decides everything.' : `${plural(total)} so far`;
  for (const { key, votes } of choices) {
    document.querySelector(`[data-share="${key}"]`).textContent = total === 0 ? '–' : `${shares[key]} %`;
    document.querySelector(`[data-votes="${key}"]`).textContent = total === 0 ? '' : plural(votes);
    // flex-grow from CSSOM: the content security policy forbids style attributes, not scripts of our own.
    document.querySelector(`#scale .${key}`).style.flexGrow = total === 0 ? 1 : Math.max(votes / total, 0.015);
  }
  byId('scale').classList.toggle('empty', total === 0);
}

function state(text, kind) {
  byId('state').textContent = text;
  byId('dot').className = `dot ${kind}`;
}

const events = new EventSource('events');
events.addEventListener('tally', (event) => { show(JSON.parse(event.data)); state('Live', 'live'); });
events.addEventListener('trouble', () => state('The database does not answer', 'lost'));
events.onerror = () => state('Connection lost, trying again', 'lost');
