/** Numbers that go together, by what kind of target it is. */
export type Preset = 'steady' | 'bursty' | 'critical' | 'messaging' | 'payment';
