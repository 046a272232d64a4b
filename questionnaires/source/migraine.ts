/** Migraine: how often, how bad, what helps, and the headaches that are something else. */
import { choice, consent, message, redFlag, whole, words, yesNo, type Intake } from './form.js';

export const migraine: Intake = {
  name: 'migraine',
  title: 'Migraine intake',
  description:
    'What a patient tells a clinician about headaches that come again and again, for a consult in which the two do not meet.',
  sections: [
    {
      linkId: 'urgent',
      text: 'Before you begin: signs that cannot wait',
      items: [
        ...redFlag(
          'thunderclap',
          'Sudden severe headache',
          'Did a headache ever start within a minute and become the worst of your life?',
          'Such a headache can be bleeding in the brain. Call your local emergency number now if it is new. Do not wait for a reply to this form.',
        ),
        ...redFlag(
          'neurological-signs',
          'Weakness, numbness, confusion or trouble speaking',
          'Do you now have weakness or numbness on one side, a drooping face, confusion, double vision or trouble speaking?',
          'These can be signs of a stroke. Call your local emergency number now.',
        ),
        ...redFlag(
          'fever-stiff-neck',
          'Fever or stiff neck',
          'Do you have a fever or a stiff neck together with the headache?',
          'This can be an infection around the brain. Go to an emergency department now.',
        ),
        ...redFlag(
          'head-injury',
          'Head injury',
          'Did the headache begin after a blow to the head in the last 3 months?',
          'A headache after an injury needs an examination in person. See a doctor today; go to an emergency department if you are drowsy, vomit or feel confused.',
        ),
        ...redFlag(
          'new-after-fifty',
          'New headache after the age of 50',
          'Are you over 50, and is this kind of headache new for you?',
          'A new headache after 50 needs an examination and blood tests soon. See a doctor in the next days; go today if your sight changes or your jaw hurts when you chew.',
        ),
        choice('pregnant', 'Pregnancy', 'Are you pregnant, or did you give birth in the last 6 weeks?', {
          yes: 'Yes',
          no: 'No',
          'does-not-apply': 'Does not apply to me',
        }),
        {
          linkId: 'pregnant-urgent',
          text: 'Headaches in pregnancy or soon after birth can be a sign of high blood pressure. Call your midwife or doctor today and have it measured.',
          type: 'display',
          when: { pregnant: 'yes' },
          urgent: true,
        },
      ],
    },
    {
      linkId: 'headaches',
      text: 'Your headaches',
      items: [
        whole(
          'headache-days',
          'Headache days a month',
          'On how many days of the last 30 did you have a headache?',
          [0, 30],
        ),
        choice('duration', 'Duration of an attack', 'How long does an attack last if you take nothing?', {
          'under-four-hours': 'Less than 4 hours',
          'four-to-seventy-two-hours': '4 hours to 3 days',
          'over-three-days': 'More than 3 days',
          always: 'It never goes away',
        }),
        choice('location', 'Place of the pain', 'Where is the pain?', {
          'one-side': 'On one side',
          'both-sides': 'On both sides',
          'around-one-eye': 'In or around one eye',
        }),
        choice('quality', 'Kind of pain', 'What is it like?', {
          throbbing: 'Throbbing',
          pressing: 'Pressing or tight',
          stabbing: 'Stabbing',
        }),
        whole(
          'severity',
          'Strength of the pain',
          'How strong is it at its worst, from 0 (none) to 10 (the worst you can imagine)?',
          [0, 10],
        ),
        yesNo('worse-moving', 'Worse when moving', 'Does moving about, such as climbing stairs, make it worse?'),
        yesNo('nausea', 'Nausea or vomiting', 'Do you feel sick or vomit with it?'),
        yesNo('light-sensitive', 'Light hurts', 'Does light bother you during an attack?'),
        yesNo('sound-sensitive', 'Sound hurts', 'Do sounds bother you during an attack?'),
        yesNo(
          'aura',
          'Aura',
          'Do you sometimes see flashes or zigzag lines, feel tingling or lose words before or during the headache?',
        ),
        choice(
          'aura-duration',
          'Duration of the aura',
          'How long does that last?',
          {
            'under-five-minutes': 'Less than 5 minutes',
            'five-to-sixty-minutes': '5 to 60 minutes',
            'over-an-hour': 'More than an hour',
          },
          { when: { aura: true } },
        ),
        choice(
          'triggers',
          'Triggers',
          'What brings an attack on? Choose all that fit.',
          {
            stress: 'Stress, or its end',
            sleep: 'Too little or too much sleep',
            periods: 'Periods',
            meals: 'A missed meal or certain food',
            alcohol: 'Alcohol',
            weather: 'Weather',
            'no-trigger': 'Nothing that I know of',
          },
          { repeats: true },
        ),
      ],
    },
    {
      linkId: 'life',
      text: 'How it affects you',
      items: [
        whole(
          'disability-days',
          'Days lost',
          'On how many days of the last 90 could you not work, study or do your household because of headaches?',
          [0, 90],
        ),
        whole(
          'half-days',
          'Days with half done',
          'On how many more days did you get less than half of it done?',
          [0, 90],
        ),
      ],
    },
    {
      linkId: 'medicines',
      text: 'Medicines and health',
      items: [
        whole(
          'painkiller-days',
          'Days with painkillers',
          'On how many days of the last 30 did you take something for a headache?',
          [0, 30],
        ),
        message(
          'overuse-advice',
          'Taking painkillers on 10 or more days a month can itself cause headaches. Do not stop on your own; ask about it in this consult.',
          { 'painkiller-days': { atLeast: 10 } },
        ),
        words('painkillers', 'What is taken', 'What do you take for an attack, how much, and does it help?'),
        yesNo('preventive', 'Preventive medicine', 'Have you ever taken a medicine every day to prevent attacks?'),
        words(
          'preventive-detail',
          'Which preventive medicine',
          'Which one, for how long, and why did you stop, if you did?',
          { when: { preventive: true } },
        ),
        yesNo(
          'heart-or-stroke',
          'Heart disease, stroke or high blood pressure',
          'Have you ever had a heart disease, a stroke, poor circulation or high blood pressure?',
        ),
        yesNo(
          'contraceptive-pill',
          'Hormones with oestrogen',
          'Do you take the pill, a patch or a ring with oestrogen?',
        ),
        words('allergies', 'Allergies', 'What are you allergic to? Write "none" if there is nothing.'),
      ],
    },
    consent('these answers', 'a clinician'),
  ],
};
