/** Uncomplicated urinary tract infection: who can be treated without being seen, and who cannot. */
import { choice, consent, message, redFlag, whole, words, yesNo, type Intake } from './form.js';

export const uti: Intake = {
  name: 'urinary-tract-infection',
  title: 'Uncomplicated urinary tract infection intake',
  description:
    'What a patient tells a clinician about burning or frequent urination, so that a simple bladder infection can be told from one that needs to be seen.',
  sections: [
    {
      linkId: 'about-you',
      text: 'About you',
      items: [
        whole('age', 'Age in years', 'How old are you, in years?', [0, 120]),
        choice(
          'sex',
          'Sex at birth',
          'Were you born female or male? The answer decides how such an infection is treated.',
          {
            female: 'Female',
            male: 'Male',
            'other-sex': 'Neither, or I would rather explain',
          },
        ),
        {
          linkId: 'male-urgent',
          text: 'In men a urine infection needs an examination and a urine test. Please see a doctor in the next days; this form alone is not enough.',
          type: 'display',
          when: { sex: 'male' },
          urgent: true,
        },
        {
          linkId: 'child-urgent',
          text: 'Children and young people with these signs need to be seen in person and have their urine tested. Please see a doctor today.',
          type: 'display',
          when: { age: { below: 18 } },
          urgent: true,
        },
        choice(
          'pregnant',
          'Pregnancy',
          'Are you pregnant, or could you be?',
          { yes: 'Yes', no: 'No', 'not-sure': 'Not sure' },
          {
            when: { sex: 'female' },
          },
        ),
        {
          linkId: 'pregnant-urgent',
          text: 'In pregnancy a urine infection must be tested and treated at once. Call your midwife or doctor today. Do not wait for a reply to this form.',
          type: 'display',
          when: { pregnant: 'yes' },
          urgent: true,
        },
        message(
          'pregnancy-test-advice',
          'Please take a pregnancy test before you send this form, and tell us the result below.',
          { pregnant: 'not-sure' },
        ),
      ],
    },
    {
      linkId: 'urgent',
      text: 'Signs that cannot wait',
      items: [
        ...redFlag(
          'fever',
          'Fever or shaking chills',
          'Do you have a fever or shaking chills?',
          'The infection may have reached your kidneys or your blood. See a doctor or go to an emergency department today.',
        ),
        ...redFlag(
          'flank-pain',
          'Pain in back or side',
          'Do you have pain in your back or side, below the ribs?',
          'The infection may have reached your kidneys. See a doctor or go to an emergency department today.',
        ),
        ...redFlag(
          'vomiting',
          'Vomiting',
          'Are you vomiting, or unable to keep fluids down?',
          'You may need treatment that does not go through the stomach. Go to an emergency department today.',
        ),
        ...redFlag(
          'weakened-immunity',
          'Weakened immune system',
          'Is your immune system weakened, by an illness, a transplant or a medicine?',
          'Your urine needs to be tested and you need to be seen. Call your doctor today.',
        ),
        ...redFlag(
          'longer-than-a-week',
          'Symptoms for more than 7 days',
          'Have these symptoms lasted for more than 7 days?',
          'After a week your urine should be tested and you should be examined. See a doctor in the next day or two.',
        ),
      ],
    },
    {
      linkId: 'symptoms',
      text: 'What you notice',
      items: [
        yesNo('dysuria', 'Pain on passing urine', 'Does it burn or hurt when you pass urine?'),
        yesNo('frequency', 'Frequent urination', 'Do you pass urine more often than usual?'),
        yesNo('urgency', 'Urgent need to urinate', 'Do you have to hurry to the toilet?'),
        yesNo('haematuria', 'Blood in the urine', 'Have you seen blood in your urine, or is it pink or brown?'),
        yesNo(
          'discharge',
          'Vaginal discharge or itching',
          'Do you have a new discharge from the vagina, or itching there?',
          { when: { sex: 'female' } },
        ),
        whole('days', 'Days since the start', 'For how many days have you had these symptoms?', [0, 365]),
        yesNo('had-before', 'Urine infection before', 'Have you had a urine infection before?'),
        choice(
          'times-this-year',
          'Infections in the last year',
          'How many in the last 12 months?',
          { none: 'None', 'one-or-two': '1 or 2', 'three-or-more': '3 or more' },
          {
            when: { 'had-before': true },
          },
        ),
      ],
    },
    {
      linkId: 'history',
      text: 'Your health',
      items: [
        yesNo(
          'catheter',
          'Catheter or recent procedure',
          'Do you have a urine catheter, or have you had one or an operation on the bladder or kidneys in the last month?',
        ),
        yesNo(
          'kidney-trouble',
          'Kidney disease or stones',
          'Do you have a kidney disease, kidney stones or only one kidney?',
        ),
        yesNo('diabetes', 'Diabetes', 'Do you have diabetes?'),
        yesNo('recent-antibiotics', 'Recent antibiotics', 'Have you taken antibiotics in the last 3 months?'),
        words('recent-antibiotics-detail', 'Which antibiotics', 'Which ones, and for what?', {
          when: { 'recent-antibiotics': true },
        }),
        yesNo('allergy', 'Allergy to a medicine', 'Are you allergic to any medicine?'),
        words('allergy-detail', 'Which allergy', 'Which medicine, and what happened?', { when: { allergy: true } }),
        words('medicines', 'Medicines', 'List the medicines you take. Write "none" if there are none.'),
        words(
          'more',
          'Anything else',
          'Is there anything else you want to tell us, such as a pregnancy test or a urine test?',
          { optional: true },
        ),
      ],
    },
    consent('these answers', 'a clinician'),
  ],
};
