/** Sinusitis: a cold that does not go, and the signs that it has spread. */
import { choice, consent, decimal, redFlag, whole, words, yesNo, type Intake } from './form.js';

export const sinusitis: Intake = {
  name: 'sinusitis',
  title: 'Sinusitis intake',
  description:
    'What a patient tells a clinician about a blocked nose and pain in the face, so that a cold, an infection of the sinuses and what is more serious can be told apart.',
  sections: [
    {
      linkId: 'urgent',
      text: 'Before you begin: signs that cannot wait',
      items: [
        ...redFlag(
          'eye-swelling',
          'Swelling around an eye',
          'Is the skin around an eye swollen or red, or is an eye pushed forward?',
          'The infection may have reached the eye. Go to an emergency department now. Do not wait for a reply to this form.',
        ),
        ...redFlag(
          'vision-change',
          'Change of sight',
          'Do you see double or less than before, or does it hurt to move your eyes?',
          'The infection may have reached the eye. Go to an emergency department now.',
        ),
        ...redFlag(
          'severe-headache',
          'Severe headache or drowsiness',
          'Is a headache the worst of your life, or are you drowsy or confused?',
          'The infection may have reached the brain. Call your local emergency number now.',
        ),
        ...redFlag(
          'stiff-neck',
          'Stiff neck',
          'Is your neck so stiff that you cannot put your chin on your chest?',
          'This can be an infection around the brain. Go to an emergency department now.',
        ),
        ...redFlag(
          'forehead-swelling',
          'Swelling of the forehead',
          'Is there a soft swelling on your forehead?',
          'The infection may have reached the bone. Go to an emergency department today.',
        ),
      ],
    },
    {
      linkId: 'symptoms',
      text: 'What you notice',
      items: [
        whole('days', 'Days since the start', 'For how many days have you been ill?', [0, 365]),
        choice('course', 'Course of the illness', 'How has it gone?', {
          'getting-worse': 'It gets worse day by day',
          steady: 'It stays the same',
          'getting-better': 'It is getting better',
        }),
        yesNo(
          'double-worsening',
          'Worse again after getting better',
          'Did you begin to get better and then become worse again?',
        ),
        yesNo('blocked-nose', 'Blocked nose', 'Is your nose blocked?'),
        choice('discharge', 'Discharge from the nose', 'What comes out of your nose or runs down your throat?', {
          nothing: 'Nothing',
          clear: 'Clear and thin',
          coloured: 'Thick, yellow or green',
        }),
        choice(
          'discharge-side',
          'Side of the discharge',
          'From which side?',
          { 'one-side': 'One side', 'both-sides': 'Both sides' },
          { when: { discharge: 'coloured' } },
        ),
        yesNo('facial-pain', 'Pain or pressure in the face', 'Do you have pain or pressure in your face?'),
        choice(
          'facial-pain-place',
          'Place of the pain',
          'Where is it? Choose all places.',
          {
            forehead: 'Forehead',
            cheeks: 'Cheeks',
            'behind-eyes': 'Behind the eyes',
          },
          { when: { 'facial-pain': true }, repeats: true },
        ),
        whole(
          'facial-pain-score',
          'Strength of the pain',
          'How strong is it, from 0 (none) to 10 (the worst you can imagine)?',
          [0, 10],
          { when: { 'facial-pain': true } },
        ),
        yesNo(
          'dental-pain',
          'Pain in the upper teeth',
          'Do your upper teeth hurt, or have you had dental work there in the last month?',
        ),
        yesNo('smell-lost', 'Smell lost', 'Do you smell less than usual?'),
        yesNo('cough', 'Cough', 'Do you cough?'),
        yesNo('fever', 'Fever', 'Have you had a fever?'),
        decimal(
          'temperature',
          'Highest temperature',
          'What was the highest temperature, in degrees Celsius?',
          [34, 43],
          { when: { fever: true }, optional: true },
        ),
      ],
    },
    {
      linkId: 'history',
      text: 'Your health',
      items: [
        choice(
          'times-this-year',
          'Sinus infections in the last year',
          'How many sinus infections have you had in the last 12 months?',
          { none: 'None', 'one-to-three': '1 to 3', 'four-or-more': '4 or more' },
        ),
        yesNo(
          'nose-allergy',
          'Hay fever or another allergy of the nose',
          'Do you have hay fever or another allergy of the nose?',
        ),
        yesNo('asthma', 'Asthma', 'Do you have asthma?'),
        yesNo(
          'nose-operation',
          'Operation or polyps of the nose',
          'Have you had polyps, or an operation of the nose or sinuses?',
        ),
        yesNo(
          'weakened-immunity',
          'Weakened immune system',
          'Is your immune system weakened, by an illness or by a medicine?',
        ),
        yesNo('smoker', 'Smoking', 'Do you smoke?'),
        yesNo('treated', 'Treated already', 'Have you taken or used anything for it?'),
        words(
          'treatment',
          'Treatment so far',
          'What did you use, for how long, and did it help? Name antibiotics in particular.',
          { when: { treated: true } },
        ),
        yesNo('allergy', 'Allergy to a medicine', 'Are you allergic to any medicine?'),
        words('allergy-detail', 'Which allergy', 'Which medicine, and what happened?', { when: { allergy: true } }),
        words('medicines', 'Medicines', 'List the medicines you take. Write "none" if there are none.'),
      ],
    },
    consent('these answers', 'a clinician'),
  ],
};
