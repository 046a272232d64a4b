/** Images of the back of the eye in diabetes: what the reader of the images must know, and the images themselves. */
import { choice, consent, measured, message, photograph, redFlag, whole, words, yesNo, type Intake } from './form.js';

export const retinopathy: Intake = {
  name: 'diabetic-retinopathy',
  title: 'Diabetic retinopathy image intake',
  description:
    'What a patient with diabetes tells, and which images of both eyes a screening site adds, for a specialist who grades the images elsewhere.',
  sections: [
    {
      linkId: 'urgent',
      text: 'Before you begin: signs that cannot wait',
      items: [
        ...redFlag(
          'sudden-vision-loss',
          'Sudden loss of sight',
          'Did you suddenly lose sight in an eye, in all of it or in a part?',
          'Go to an eye emergency department now. Do not wait for a reply to this form.',
        ),
        ...redFlag(
          'floaters-flashes',
          'New floaters, flashes or a curtain',
          'Do you see new spots, flashes of light, or a curtain or shadow?',
          'This can be bleeding or a detached retina. Go to an eye emergency department today.',
        ),
        ...redFlag(
          'eye-pain',
          'Painful red eye',
          'Is an eye painful and red?',
          'A painful red eye needs to be examined today. Go to an eye doctor or an emergency department.',
        ),
      ],
    },
    {
      linkId: 'diabetes',
      text: 'Your diabetes',
      items: [
        choice('diabetes-type', 'Type of diabetes', 'Which kind of diabetes do you have?', {
          'type-1': 'Type 1',
          'type-2': 'Type 2',
          gestational: 'Diabetes in this pregnancy',
          'other-type': 'Another kind',
          'not-known': 'I do not know',
        }),
        whole('diabetes-years', 'Years with diabetes', 'For how many years have you had it?', [0, 100]),
        choice(
          'diabetes-treatment',
          'Treatment of diabetes',
          'How is it treated? Choose all that fit.',
          {
            diet: 'Diet and exercise',
            tablets: 'Tablets',
            'other-injection': 'Injections other than insulin',
            insulin: 'Insulin',
          },
          { repeats: true },
        ),
        yesNo('hba1c-known', 'HbA1c known', 'Do you know your last HbA1c (long-term blood sugar)?'),
        measured('hba1c', 'HbA1c', 'What was it, and in which unit?', ['%', 'mmol/mol'], {
          when: { 'hba1c-known': true },
        }),
        yesNo('pressure-known', 'Blood pressure known', 'Do you know your last blood pressure?'),
        whole('systolic', 'Upper blood pressure', 'What was the upper number, in mmHg?', [50, 300], {
          when: { 'pressure-known': true },
        }),
        whole('diastolic', 'Lower blood pressure', 'What was the lower number, in mmHg?', [20, 200], {
          when: { 'pressure-known': true },
        }),
        yesNo('kidney-trouble', 'Kidney disease', 'Has diabetes harmed your kidneys, as far as you know?'),
        choice('pregnant', 'Pregnancy', 'Are you pregnant?', {
          yes: 'Yes',
          no: 'No',
          'does-not-apply': 'Does not apply to me',
        }),
        message(
          'pregnant-advice',
          'In pregnancy the eyes can change quickly. Tell your midwife or doctor that this screening was made, and keep every appointment for it.',
          { pregnant: 'yes' },
        ),
      ],
    },
    {
      linkId: 'eyes',
      text: 'Your eyes',
      items: [
        choice('last-screening', 'Last eye screening', 'When were your eyes last examined for diabetes?', {
          'within-a-year': 'Within a year',
          'one-to-three-years': '1 to 3 years ago',
          'over-three-years': 'More than 3 years ago',
          never: 'Never',
        }),
        yesNo('vision-change', 'Slow change of sight', 'Has your sight become worse over the last months?'),
        choice(
          'vision-change-side',
          'Side of the change',
          'In which eye?',
          { 'right-eye': 'Right', 'left-eye': 'Left', 'both-eyes': 'Both' },
          { when: { 'vision-change': true } },
        ),
        yesNo(
          'laser-or-injection',
          'Laser or injections before',
          'Have you had laser treatment or injections in an eye?',
        ),
        words('laser-or-injection-detail', 'Which treatment', 'Which eye, what, and when?', {
          when: { 'laser-or-injection': true },
        }),
        yesNo(
          'other-eye-disease',
          'Other eye disease',
          'Do you have another eye disease, such as cataract or glaucoma?',
        ),
        words('other-eye-disease-detail', 'Which eye disease', 'Which one, and in which eye?', {
          when: { 'other-eye-disease': true },
        }),
      ],
    },
    {
      linkId: 'images',
      text: 'Images (for the screening site)',
      items: [
        message(
          'image-advice',
          'For each eye: one image centred on the macula and one on the optic disc, sharp enough to see the small vessels. Repeat an image that is dark, blurred or cut off.',
        ),
        yesNo('pupils-widened', 'Pupils widened', 'Were the pupils widened with drops?'),
        photograph('image-right-macula', 'Right eye, macula', 'Right eye, centred on the macula.', [1, 3]),
        photograph('image-right-disc', 'Right eye, disc', 'Right eye, centred on the optic disc.', [1, 3]),
        choice('quality-right', 'Image quality, right eye', 'Quality of the right eye’s images:', {
          good: 'Good: small vessels are sharp',
          adequate: 'Adequate: most can be seen',
          inadequate: 'Inadequate: cannot be graded',
        }),
        photograph('image-left-macula', 'Left eye, macula', 'Left eye, centred on the macula.', [1, 3]),
        photograph('image-left-disc', 'Left eye, disc', 'Left eye, centred on the optic disc.', [1, 3]),
        choice('quality-left', 'Image quality, left eye', 'Quality of the left eye’s images:', {
          good: 'Good: small vessels are sharp',
          adequate: 'Adequate: most can be seen',
          inadequate: 'Inadequate: cannot be graded',
        }),
        words('quality-reason', 'Why images are inadequate', 'If images are inadequate: why, as far as is known?', {
          optional: true,
        }),
      ],
    },
    consent('these answers and images', 'an eye specialist'),
  ],
};
