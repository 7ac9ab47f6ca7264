import type { Alarm } from '@waybill/core';

/** What Slack's and Mattermost's incoming webhooks take. */
export interface SlackMessage {
  readonly text: string;
}

/** Slack refuses texts over 40,000 characters, and cuts off what is over 4,000. */
const LONGEST_TEXT = 4_000;

/** An alarm as a chat message: the title in bold, the text, who says so. Nothing in it can mention people or hide a link. */
export function slackMessage(alarm: Alarm): SlackMessage {
  const sign = alarm.state === 'resolved' ? ':white_check_mark:' : ':rotating_light:';
  const again = alarm.repeats > 0 ? `, found ${alarm.repeats} more times since it was told last` : '';
  const footer = `_${escaped(alarm.instance)}, since ${alarm.since.toISOString()}${again}_`;
  const head = `${sign} *${escaped(alarm.title)}*`;
  const room = LONGEST_TEXT - head.length - footer.length - 2;
  return { text: [head, escaped(alarm.text, room), footer].join('\n') };
}

/** As Slack asks for: these three signs begin its links, mentions and entities. Cut before a sign, never inside one. */
function escaped(text: string, room = Infinity): string {
  let length = 0;
  let result = '';
  for (const sign of text) {
    const safe = ENTITIES[sign] ?? sign;
    length += safe.length;
    if (length > room) return result;
    result += safe;
  }
  return result;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };
